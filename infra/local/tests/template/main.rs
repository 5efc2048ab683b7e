//! What `template.yaml` promises, judged without deploying it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::{collections::BTreeSet, fs, path::Path};

use serde_yaml_ng::Value;

mod routes;
mod streams;

/// What the functions may be told, each by at least one function (`shared`'s `config` reads them).
const VARIABLES: [&str; 30] = [
    "ALLOWED_LOCAL_HOSTS",
    "APP_SECRET",
    "BACKUPS_KEPT",
    "BACKUP_INTERVAL_HOURS",
    "CHATS_TABLE",
    "CRM_QUEUE_URL",
    "DIRECTORY_TABLE",
    "EDGE_KEY",
    "FILE_RETENTION_DAYS",
    "GHL_API_BASE",
    "GHL_APP_ID",
    "GHL_CLIENT_ID",
    "GHL_DEFAULT_PROVIDER_ID",
    "GHL_MARKETPLACE_BASE",
    "GHL_PROVIDER_ID",
    "GHL_PUBLIC_KEYS",
    "GREEN_API_DEFAULT_BASE",
    "HISTORY_QUEUE_URL",
    "HOLD_SECONDS",
    "LOG_LEVEL",
    "MEDIA_BUCKET",
    "MEDIA_QUEUE_URL",
    "OUTBOUND_QUEUE_URL",
    "PUBLIC_BASE_URL",
    "RUNTIME_TABLE",
    "SOCKETS_ENDPOINT",
    "TELEGRAM_API_BASE",
    "TELEGRAM_QUEUE_URL",
    "UNKNOWN_AFTER_SECONDS",
    "WHITELABEL_DOMAINS",
];

struct Template(Value);

impl Template {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        Self(untagged(
            serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
        ))
    }

    fn resources(&self, kind: &str) -> Vec<(&str, &Value)> {
        let all = self.0["Resources"].as_mapping().unwrap();
        all.iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str().unwrap(), &resource["Properties"]))
            .collect()
    }

    fn resource(&self, name: &str) -> &Value {
        let found = &self.0["Resources"][name];
        assert!(!found.is_null(), "{name} is named but not there");
        found
    }

    fn functions(&self) -> Vec<(&str, &Value)> {
        self.resources("AWS::Serverless::Function")
    }
}

/// `!Ref X` and its like as `{"!Ref": X}`, so that everything is found by plain indexing.
fn untagged(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => {
            let tag = Value::String(tagged.tag.to_string());
            Value::Mapping([(tag, untagged(tagged.value))].into_iter().collect())
        }
        Value::Sequence(items) => items.into_iter().map(untagged).collect(),
        Value::Mapping(fields) => Value::Mapping(
            fields
                .into_iter()
                .map(|(key, value)| (key, untagged(value)))
                .collect(),
        ),
        plain => plain,
    }
}

/// A list, or the one thing that stands for it.
fn listed(value: &Value) -> Vec<&Value> {
    value
        .as_sequence()
        .map_or_else(|| vec![value], |items| items.iter().collect())
}

/// The logical name that a reference in any of its forms points to.
fn referred(value: &Value) -> &str {
    let target = ["!Ref", "!GetAtt", "!Sub"]
        .into_iter()
        .find_map(|tag| value.get(tag))
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("not a reference: {value:?}"));
    // What AWS itself is called in an ARN is no name of ours.
    let mut names = target.split("${").skip(1);
    let target = names.find(|it| !it.starts_with("AWS::")).unwrap_or(target);
    target.split(['.', '}']).next().unwrap()
}

/// Whether the only thing it allows is one that AWS grants on everything or not at all
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html>).
fn takes_no_resource(statement: &Value) -> bool {
    statement["Action"] == "dynamodb:ListBackups"
}

fn statements(function: &Value) -> Vec<&Value> {
    listed(&function["Policies"])
        .iter()
        .flat_map(|p| listed(&p["Statement"]))
        .collect()
}

#[test]
fn each_function_may_do_what_it_needs_and_no_more() {
    for (name, function) in Template::read().functions() {
        let statements = statements(function);
        assert!(!statements.is_empty(), "{name} has no policy of its own");
        for statement in statements {
            assert_eq!(statement["Effect"], "Allow", "{name}");
            for action in listed(&statement["Action"]) {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{name} may {action}");
                assert!(
                    !["Scan", "CreateTable", "DeleteTable"]
                        .iter()
                        .any(|no| action.ends_with(no)),
                    "{name} may {action}"
                );
            }
            if takes_no_resource(statement) {
                continue;
            }
            for resource in listed(&statement["Resource"]) {
                // Panics at anything that is not a reference, `*` before all.
                let target = referred(resource);
                // Files, backups, connections and streams have names that nobody knows beforehand, each kind
                // below one.
                let may_be_any = [
                    "${MediaBucket.Arn}/files/*",
                    "${SocketApi}/ws/POST/@connections/*",
                    "${SocketApi}/ws/DELETE/@connections/*",
                    "${DirectoryTable.Arn}/stream/*",
                    "${ChatsTable.Arn}/stream/*",
                    "${DirectoryTable.Arn}/backup/*",
                    "${ChatsTable.Arn}/backup/*",
                ];
                let named = resource["!Sub"].as_str().unwrap_or_default();
                assert!(
                    may_be_any.iter().any(|any| named.ends_with(any))
                        || !format!("{resource:?}").contains('*'),
                    "{name} may on all of {target}"
                );
            }
        }
    }
}

#[test]
fn each_function_is_told_of_nothing_that_it_may_not_use() {
    let template = Template::read();
    for (name, function) in template.functions() {
        let allowed: BTreeSet<_> = statements(function)
            .iter()
            .filter(|statement| !takes_no_resource(statement))
            .flat_map(|statement| listed(&statement["Resource"]))
            .map(referred)
            .collect();
        let variables = function["Environment"]["Variables"].as_mapping().unwrap();
        for (variable, value) in variables {
            let variable = variable.as_str().unwrap();
            let guarded = ["_TABLE", "_QUEUE_URL", "_SECRET", "_BUCKET"];
            if guarded.iter().any(|suffix| variable.ends_with(suffix)) {
                let target = referred(value);
                assert!(
                    allowed.contains(target),
                    "{name} knows {target} but may not use it"
                );
            }
        }
    }
}

#[test]
fn only_the_workers_take_from_queues_and_only_their_own() {
    let template = Template::read();
    let takers: Vec<_> = template
        .functions()
        .into_iter()
        .flat_map(|(name, function)| {
            statements(function)
                .into_iter()
                .filter(|s| {
                    listed(&s["Action"])
                        .iter()
                        .any(|a| **a == "sqs:ReceiveMessage")
                })
                .flat_map(|s| listed(&s["Resource"]))
                .map(move |queue| (name, referred(queue)))
        })
        .collect();
    assert_eq!(
        takers,
        [
            ("OutboundSenderFunction", "OutboundQueue"),
            ("CrmSenderFunction", "CrmQueue"),
            ("TelegramSenderFunction", "TelegramQueue"),
            ("MediaKeeperFunction", "MediaQueue"),
            ("HistoryImportFunction", "HistoryQueue")
        ]
    );
}

#[test]
fn queues_outlive_their_functions_and_end_in_dead_letters() {
    let template = Template::read();
    let mut sources = template.resources("AWS::Lambda::EventSourceMapping");
    sources.retain(|(_, source)| source["StartingPosition"].is_null());
    assert_eq!(sources.len(), 5);
    for (name, source) in sources {
        assert_eq!(
            listed(&source["FunctionResponseTypes"]),
            ["ReportBatchItemFailures"],
            "{name}"
        );
        assert!(source["BatchSize"].as_u64().unwrap() <= 10, "{name}");
        assert!(
            source["ScalingConfig"]["MaximumConcurrency"]
                .as_u64()
                .unwrap()
                >= 2,
            "{name}"
        );

        let function = &template.resource(referred(&source["FunctionName"]))["Properties"];
        let queue = &template.resource(referred(&source["EventSourceArn"]))["Properties"];
        let visibility = queue["VisibilityTimeout"].as_u64().unwrap();
        let timeout = function["Timeout"].as_u64().unwrap();
        assert!(
            visibility >= 6 * timeout,
            "{name}: {visibility} s for a function of {timeout} s"
        );

        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive["maxReceiveCount"], 5, "{name}");
        let dead = &template.resource(referred(&redrive["deadLetterTargetArn"]))["Properties"];
        assert_eq!(dead["MessageRetentionPeriod"], 14 * 24 * 3600, "{name}");
    }
    // Five that work, five for what they could not, and one for what nobody could be told.
    assert_eq!(template.resources("AWS::SQS::Queue").len(), 11);
}

#[test]
fn tables_that_hold_what_people_wrote_are_kept_and_can_be_restored() {
    let template = Template::read();
    let indexes = |properties: &Value| -> Vec<String> {
        let Some(indexes) = properties["GlobalSecondaryIndexes"].as_sequence() else {
            return Vec::new();
        };
        indexes
            .iter()
            .map(|i| {
                let keys: Vec<_> = listed(&i["KeySchema"])
                    .iter()
                    .map(|key| key["AttributeName"].as_str().unwrap())
                    .collect();
                let projection = i["Projection"]["ProjectionType"].as_str().unwrap();
                format!(
                    "{}({}) {projection}",
                    i["IndexName"].as_str().unwrap(),
                    keys.join(", ")
                )
            })
            .collect()
    };
    let check = |name: &str, kept: bool, expires: bool, expect: &[&str]| {
        let resource = template.resource(name);
        let properties = &resource["Properties"];
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{name}");
        assert_eq!(properties["SSESpecification"]["SSEEnabled"], true, "{name}");
        assert_eq!(
            properties["TimeToLiveSpecification"]["Enabled"] == true,
            expires,
            "{name}"
        );
        assert_eq!(resource["DeletionPolicy"] == "Retain", kept, "{name}");
        assert_eq!(resource["UpdateReplacePolicy"] == "Retain", kept, "{name}");
        let recovery = &properties["PointInTimeRecoverySpecification"];
        assert_eq!(
            recovery["PointInTimeRecoveryEnabled"] == true,
            kept,
            "{name}"
        );
        let stream = &properties["StreamSpecification"]["StreamViewType"];
        assert_eq!(*stream == "NEW_AND_OLD_IMAGES", kept, "{name}");
        assert_eq!(indexes(properties), expect, "{name}");
    };
    check(
        "DirectoryTable",
        true,
        true,
        &["due(due_shard, due_at) KEYS_ONLY"],
    );
    check(
        "ChatsTable",
        true,
        true,
        &[
            "due(due_shard, due_at) KEYS_ONLY",
            "by_number(number_id, last_at) KEYS_ONLY",
            "by_stand(stand_in, last_at) KEYS_ONLY",
            "by_holder(holder_in, last_at) KEYS_ONLY",
            "by_change(number_id, changed_at) KEYS_ONLY",
        ],
    );
    check("RuntimeTable", false, true, &[]);
}

#[test]
fn every_setting_reaches_a_function() {
    let template = Template::read();
    let told: BTreeSet<_> = template
        .functions()
        .into_iter()
        .flat_map(|(_, function)| function["Environment"]["Variables"].as_mapping().unwrap())
        .map(|(variable, _)| variable.as_str().unwrap())
        .collect();
    assert_eq!(told, BTreeSet::from(VARIABLES));

    let text = format!("{:?} {:?}", template.0["Globals"], template.0["Resources"]);
    for parameter in template.0["Parameters"].as_mapping().unwrap().keys() {
        let parameter = parameter.as_str().unwrap();
        assert!(
            text.contains(&format!("{parameter:?}")),
            "{parameter} is not used"
        );
    }
}

#[test]
fn no_real_account_can_be_deployed_with_local_hosts() {
    let template = Template::read();
    let parameter = &template.0["Parameters"]["AllowedLocalHosts"];
    assert_eq!(parameter["Default"], "");
    assert!(
        parameter["AllowedPattern"]
            .as_str()
            .unwrap()
            .starts_with("^$|^(localhost|127")
    );

    let rule = &template.0["Rules"]["LocalHostsNeedTheEmulator"];
    let given = &rule["RuleCondition"]["!Not"][0]["!Equals"];
    assert_eq!(given[0]["!Ref"], "AllowedLocalHosts");
    assert_eq!(given[1], "");
    let assertion = &rule["Assertions"][0]["Assert"]["!Equals"];
    assert_eq!(assertion[0]["!Ref"], "AWS::AccountId");
    // No account of AWS has this number.
    assert_eq!(assertion[1], "000000000000");
    // What is left out for them is there in every account.
    let conditions = template.0["Conditions"].as_mapping().unwrap();
    let is_on_aws = &conditions["IsOnAws"]["!Equals"];
    assert_eq!(is_on_aws[0]["!Ref"], "AllowedLocalHosts");
    assert_eq!(is_on_aws[1], "");
    // And what only a domain of the owner's needs.
    let expect = ["IsOnAws", "HasZone", "MakesCertificate"];
    let resources = template.0["Resources"].as_mapping().unwrap();
    for (name, resource) in resources {
        let condition = &resource["Condition"];
        let is_known = condition.as_str().is_some_and(|it| expect.contains(&it));
        assert!(condition.is_null() || is_known, "{name:?}");
    }
    let policy = &template.resource("MediaBucketPolicy")["Properties"]["PolicyDocument"];
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    for (name, function) in template.functions() {
        let value = &function["Environment"]["Variables"]["ALLOWED_LOCAL_HOSTS"];
        assert!(
            value.is_null() || value["!Ref"] == "AllowedLocalHosts",
            "{name}"
        );
    }
}

#[test]
fn logs_end_and_hold_no_key_of_a_webhook() {
    let template = Template::read();
    let groups = template.resources("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), template.functions().len() + 1);
    for (name, group) in groups {
        assert_eq!(
            group["RetentionInDays"]["!Ref"], "LogRetentionDays",
            "{name}"
        );
    }
    for (name, function) in template.functions() {
        let group = template.resource(referred(&function["LoggingConfig"]["LogGroup"]));
        // `sam logs` finds a function's logs by this name.
        assert_eq!(
            group["Properties"]["LogGroupName"]["!Sub"],
            format!(
                "/aws/lambda/{}",
                function["FunctionName"]["!Sub"].as_str().unwrap()
            ),
            "{name}"
        );
    }
    let (_, stage) = template.resources("AWS::ApiGatewayV2::Stage")[0];
    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    for secret in [
        "context.path",
        "rawPath",
        "sourceIp",
        "queryString",
        "authorizer",
    ] {
        assert!(!format.contains(secret), "the access log holds {secret}");
    }
    assert!(format.contains("$context.routeKey"));
}

#[test]
fn functions_are_built_from_their_own_folders() {
    for (name, function) in Template::read().functions() {
        let folder = function["CodeUri"]
            .as_str()
            .unwrap()
            .strip_prefix("functions/")
            .unwrap();
        let camel: String = folder
            .split('-')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect();
        assert_eq!(name, format!("{camel}Function"));
    }
}
