//! The stack that is written to: its names and settings, by its own name.

use std::collections::HashMap;

use aws_config::SdkConfig;
use greenhub::clock::Clock;
use greenhub::config::{Green, Tables};
use greenhub::crypto::DataKeys;
use greenhub::error::aws_words;
use greenhub::secrets::Secrets;
use url::Url;

use crate::error::Error;

/// A deployed stack, as far as it is needed here.
#[derive(Debug)]
pub struct Target {
    /// The tables.
    pub(crate) tables: Tables,
    /// Which tokens are sealed with.
    pub(crate) data_keys: DataKeys,
    /// Where numbers are served.
    pub(crate) green: Green,
    /// The OAuth client.
    pub(crate) client_id: Option<String>,
    /// The conversation provider.
    pub(crate) provider_id: Option<String>,
}

impl Target {
    /// Asks CloudFormation for the stack and Secrets Manager for its secret.
    ///
    /// # Errors
    /// Either refuses, or the stack is none of ours.
    pub async fn find(aws: &SdkConfig, stack: &str, clock: &Clock) -> Result<Self, Error> {
        let wrong = |why: String| Error::Stack {
            stack: stack.to_owned(),
            why,
        };
        let client = aws_sdk_cloudformation::Client::new(aws);
        let answer = client.describe_stacks().stack_name(stack).send().await;
        let answer = answer.map_err(|error| wrong(aws_words(&error)))?;
        let found = answer.stacks.unwrap_or_default();
        let found = found
            .into_iter()
            .next()
            .ok_or_else(|| wrong("there is none of this name".to_owned()))?;
        let outputs = found.outputs.unwrap_or_default().into_iter();
        let outputs: HashMap<_, _> = outputs
            .filter_map(|output| Some((output.output_key?, output.output_value?)))
            .collect();
        let output = |name: &str| {
            let value = outputs.get(name).cloned();
            value.ok_or_else(|| wrong(format!("it has no output {name}; is it Greenhub's?")))
        };
        let parameters = found.parameters.unwrap_or_default().into_iter();
        let parameters: HashMap<_, _> = parameters
            .filter_map(|it| Some((it.parameter_key?, it.parameter_value?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let parameter = |name: &str| parameters.get(name).cloned();
        let tables = Tables {
            directory: output("DirectoryTableName")?,
            chats: output("ChatsTableName")?,
            runtime: output("RuntimeTableName")?,
        };
        let address = parameter("GreenApiDefaultBase").map(|url| Url::parse(&url));
        let address = address.transpose();
        let green = Green {
            default_base: address
                .map_err(|_| wrong("its GreenApiDefaultBase is no address".to_owned()))?,
            allowed_local_hosts: Vec::new(),
        };
        let secrets = aws_sdk_secretsmanager::Client::new(aws);
        let secrets = Secrets::new(secrets, output("AppSecretName")?, clock.clone());
        Ok(Target {
            tables,
            data_keys: secrets.get().await?.data_keys()?,
            green,
            client_id: parameter("GhlClientId"),
            provider_id: parameter("GhlConversationProviderId"),
        })
    }
}
