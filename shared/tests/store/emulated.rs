//! Tables of our own at an endpoint that plays AWS.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use greenhub::clock::Clock;
use greenhub::config::Tables;
use greenhub::store::dynamo::Dynamo;

/// New tables, with the keys and indexes that the product's template gives them.
pub(crate) async fn tables(endpoint: &str) -> Dynamo {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    let client = Client::from_conf(config);
    let unique = Clock::system().now_ms();
    let names = Tables {
        directory: format!("directory-{unique}"),
        chats: format!("chats-{unique}"),
        runtime: format!("runtime-{unique}"),
    };
    let due = ("due", "due_shard", "due_at", ProjectionType::KeysOnly);
    let by_number = (
        "by_number",
        "number_id",
        "last_at",
        ProjectionType::KeysOnly,
    );
    create(&client, &names.directory, std::slice::from_ref(&due)).await;
    create(&client, &names.chats, &[due, by_number]).await;
    create(&client, &names.runtime, &[]).await;
    Dynamo::new(client, names)
}

type IndexOf = (&'static str, &'static str, &'static str, ProjectionType);

async fn create(client: &Client, name: &str, indexes: &[IndexOf]) {
    let mut table = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .set_key_schema(Some(keys("pk", "sk")));
    for (index, partition, sort, projection) in indexes {
        let projection = Projection::builder()
            .projection_type(projection.clone())
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(*index)
            .set_key_schema(Some(keys(partition, sort)))
            .projection(projection)
            .build()
            .unwrap();
        table = table
            .attribute_definitions(attribute(partition, ScalarAttributeType::S))
            .attribute_definitions(attribute(sort, ScalarAttributeType::N))
            .global_secondary_indexes(index);
    }
    table
        .send()
        .await
        .unwrap_or_else(|error| panic!("cannot create {name}: {error:?}"));
}

fn attribute(name: &str, ty: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ty)
        .build()
        .unwrap()
}

fn keys(partition: &str, sort: &str) -> Vec<KeySchemaElement> {
    let key = |name: &str, ty| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(ty)
            .build()
            .unwrap()
    };
    vec![key(partition, KeyType::Hash), key(sort, KeyType::Range)]
}
