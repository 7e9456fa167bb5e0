//! A deployment as its stack file or CloudFormation describes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Where everything of a deployment is.
#[derive(Clone, Default)]
pub(crate) struct Deployment {
    /// What describes it by name: the stack's outputs, their first letters small.
    values: BTreeMap<String, String>,
}

/// An entry of what `sam list stack-outputs` prints, and of what CloudFormation answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

impl Deployment {
    /// Reads a stack file: `.local/stack.json`, or a stack's outputs as AWS's tools print them.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let outputs = value.pointer("/Stacks/0/Outputs").unwrap_or(&value);
        if outputs.is_array() {
            let outputs: Vec<Output> = Deserialize::deserialize(outputs).map_err(|error| error.to_string())?;
            return Ok(Self::of(outputs.into_iter().map(|output| (output.output_key, output.output_value))));
        }
        let known = value.as_object().filter(|object| object.contains_key("apiUrl"));
        let Some(object) = known else {
            return Err("it is neither a .local/stack.json nor a list of outputs".to_owned());
        };
        let texts = object.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Ok(Self { values: texts.collect() })
    }

    /// From a stack's outputs by their names.
    pub(crate) fn of(outputs: impl IntoIterator<Item = (String, String)>) -> Self {
        let small = |name: String| {
            let mut letters = name.chars();
            letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
        };
        Self { values: outputs.into_iter().map(|(name, value)| (small(name), value)).collect() }
    }

    /// Where the API is. A local AWS has its REST APIs under a path of its own address, `endpoint`; the name in a stack's
    /// output exists on AWS only.
    pub(crate) fn api_url(&self, endpoint: Option<&str>) -> Option<String> {
        let local = || {
            let (id, stage) = (self.get("apiId")?, self.get("stageName")?);
            Some(format!("{}/restapis/{id}/{stage}/_user_request_", endpoint?.trim_end_matches('/')))
        };
        local().or_else(|| self.get("apiUrl").map(str::to_owned))
    }

    /// The admin key, where the file has it.
    pub(crate) fn admin_key(&self) -> Option<&str> {
        self.get("adminKey")
    }

    /// The secret that holds the admin key without its beginning.
    pub(crate) fn admin_key_secret(&self) -> Option<&str> {
        self.get("adminKeySecretArn")
    }

    /// The URL of a queue, by the name of its output with a small letter.
    pub(crate) fn queue(&self, name: &str) -> Option<&str> {
        self.get(name)
    }

    /// Where its AWS is, if that is a local one.
    pub(crate) fn aws_endpoint(&self) -> Option<&str> {
        self.get("awsEndpointUrl")
    }

    /// Its region: said outright, or the fourth part of the secret's ARN.
    pub(crate) fn region(&self) -> Option<&str> {
        self.get("region").or_else(|| self.admin_key_secret()?.split(':').nth(3))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AdminKey-a1b2c3";

    #[track_caller]
    fn check(text: &str) {
        let read = Deployment::read(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.api_url(None).as_deref(), Some("https://api.example.com/v1"));
        assert_eq!((read.admin_key_secret(), read.region()), (Some(ARN), Some("eu-central-1")));
        assert_eq!(read.queue("parkedQueueUrl"), Some("https://sqs.example.com/parked"));
    }

    #[test]
    fn outputs_are_read_as_any_tool_of_aws_prints_them() {
        let output = |name: &str, value: &str| format!(r#"{{"OutputKey":"{name}","OutputValue":"{value}"}}"#);
        let outputs = [
            output("ApiUrl", "https://api.example.com/v1"),
            output("AdminKeySecretArn", ARN),
            output("ParkedQueueUrl", "https://sqs.example.com/parked"),
        ];
        let outputs = format!("[{}]", outputs.join(","));
        check(&outputs);
        check(&format!(r#"{{"Stacks":[{{"StackName":"hookbell","Outputs":{outputs}}}]}}"#));
    }

    #[test]
    fn a_local_stack_file_is_read() {
        let text = r#"{"apiUrl":"http://127.0.0.1:4566/x","adminKey":"sk_1","region":"us-east-1","timeScale":0.1,
            "awsEndpointUrl":"http://127.0.0.1:4566"}"#;
        let read = Deployment::read(text).unwrap();
        assert_eq!((read.admin_key(), read.region()), (Some("sk_1"), Some("us-east-1")));
        assert_eq!(read.api_url(read.aws_endpoint()).as_deref(), Some("http://127.0.0.1:4566/x"));
    }

    #[test]
    fn on_a_local_aws_the_api_is_under_its_address() {
        let outputs =
            [("ApiUrl", "https://a1.execute-api.us-east-1.amazonaws.com/v1"), ("ApiId", "a1"), ("StageName", "v1")];
        let read = Deployment::of(outputs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let expected = "http://127.0.0.1:4566/restapis/a1/v1/_user_request_";
        assert_eq!(read.api_url(Some("http://127.0.0.1:4566/")).as_deref(), Some(expected));
        assert_eq!(read.api_url(None).as_deref(), Some("https://a1.execute-api.us-east-1.amazonaws.com/v1"));
    }

    #[test]
    fn what_describes_no_deployment_is_refused() {
        for text in ["", "{}", r#"{"apiURL":"x"}"#, "[1]", "no json"] {
            assert!(Deployment::read(text).is_err(), "{text:?}");
        }
    }
}
