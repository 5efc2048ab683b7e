//! The stack that is written to, by its name.

use std::collections::HashMap;

use aws_config::SdkConfig;
use greenhub::config::Tables;
use greenhub::error::aws_words;
use url::Url;

use crate::Error;

/// A deployed stack, as far as it is needed here.
#[derive(Debug)]
pub struct Target {
    /// The tables.
    pub tables: Tables,
    /// Where people reach it, if it knows.
    pub url: Option<Url>,
}

impl Target {
    /// Asks CloudFormation for the stack.
    ///
    /// # Errors
    /// It refuses, or the stack is none of ours.
    pub async fn find(aws: &SdkConfig, stack: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::Stack {
            stack: stack.to_owned(),
            why,
        };
        let client = aws_sdk_cloudformation::Client::new(aws);
        let answer = client.describe_stacks().stack_name(stack).send().await;
        let answer = answer.map_err(|error| wrong(aws_words(&error)))?;
        let found = answer.stacks.unwrap_or_default().into_iter().next();
        let found = found.ok_or_else(|| wrong("there is none of this name".to_owned()))?;
        let outputs = found.outputs.unwrap_or_default().into_iter();
        let outputs: HashMap<_, _> = outputs
            .filter_map(|output| Some((output.output_key?, output.output_value?)))
            .collect();
        let output = |name: &str| {
            let value = outputs.get(name).cloned();
            value.ok_or_else(|| wrong(format!("it has no output {name}; is it Greenhub's?")))
        };
        Ok(Target {
            tables: Tables {
                directory: output("DirectoryTableName")?,
                chats: output("ChatsTableName")?,
                runtime: output("RuntimeTableName")?,
            },
            url: outputs.get("SiteUrl").and_then(|url| Url::parse(url).ok()),
        })
    }
}
