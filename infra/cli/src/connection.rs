//! Which deployment is meant, and how it is reached: by options, the environment, or a stack file.

use std::path::{Path, PathBuf};

use hookbell_aws::clients::Aws;
use hookbell_aws::{secrets, stack_outputs};

use crate::arguments::Options;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::failure::Failure;

/// The stack file of `make up`.
const DEFAULT_STACK: &str = ".local/stack.json";

/// What the environment says of the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    stack: Option<String>,
    api_url: Option<String>,
    key: Option<String>,
    aws_endpoint: Option<String>,
}

/// What says where a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Url(String),
    File(PathBuf),
    Stack(String),
}

/// The deployment that a command is about, as far as it is known without a call.
pub(crate) struct Connection {
    place: Option<Place>,
    key: Option<String>,
    aws_endpoint: Option<String>,
}

impl Environment {
    /// As it is; what is empty is not set.
    pub(crate) fn read() -> Self {
        let get = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            stack: get("HOOKBELL_STACK"),
            api_url: get("HOOKBELL_API_URL"),
            key: get("HOOKBELL_KEY"),
            aws_endpoint: get("AWS_ENDPOINT_URL"),
        }
    }
}

/// Options come before the environment, and that before the default. One thing alone says where the deployment is, so that
/// never the API of one is called and the queues of another are looked at. The environment's key is not for a stack that an
/// option names: that has its own.
fn choose(options: &Options, environment: &Environment, has_default: bool) -> (Option<Place>, Option<String>) {
    let url = |url: &String| Place::Url(url.clone());
    let stack = options.stack.clone().map(Place::File).or_else(|| options.stack_name.clone().map(Place::Stack));
    if stack.is_some() {
        return (stack, options.key.clone());
    }
    let of_environment = || environment.api_url.as_ref().map(url).or(environment.stack.as_ref().map(Place::file));
    let default = || has_default.then(|| Place::file(DEFAULT_STACK));
    let place = options.api_url.as_ref().map(url).or_else(of_environment).or_else(default);
    (place, options.key.clone().or_else(|| environment.key.clone()))
}

impl Place {
    fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }
}

impl Connection {
    /// What the options and the environment choose.
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let environment = Environment::read();
        let of_file = options.key_file.as_deref().map(read_key).transpose()?;
        let options = Options { key: of_file.or_else(|| options.key.clone()), ..options.clone() };
        let (place, key) = choose(&options, &environment, Path::new(DEFAULT_STACK).is_file());
        Ok(Self { place, key, aws_endpoint: environment.aws_endpoint })
    }

    /// The API, with the key.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        if let Some(Place::Url(url)) = &self.place {
            let missing =
                || Failure::usage("No key was given for the API.").try_this("--key-file FILE, or set HOOKBELL_KEY");
            return Client::new(url, self.key.clone().ok_or_else(missing)?);
        }
        let deployment = self.deployment().await?;
        let url = deployment.api_url(self.aws_endpoint.as_deref()).ok_or_else(|| {
            Failure::usage("The stack does not say where its API is.").because("it has no output ApiUrl")
        })?;
        let key = match (&self.key, deployment.admin_key()) {
            (Some(key), _) => key.clone(),
            (None, Some(key)) => key.to_owned(),
            (None, None) => self.secret_key(&deployment).await?,
        };
        Client::new(&url, key)
    }

    /// The deployment as its stack describes it.
    pub(crate) async fn deployment(&self) -> Result<Deployment, Failure> {
        match &self.place {
            Some(Place::File(file)) => read_file(file),
            Some(Place::Stack(name)) => self.look_up(name).await,
            Some(Place::Url(_)) => Err(Failure::usage("A URL does not say where the queues are.")
                .try_this("--stack FILE or --stack-name NAME")),
            None => Err(Failure::usage("It is not known which deployment is meant.").try_this(
                "--stack FILE, --stack-name NAME, or --api-url URL --key KEY; `hookbell --help` has the variables",
            )),
        }
    }

    /// AWS, as whoever runs this may use it: a local one takes any credentials.
    pub(crate) async fn aws(&self, deployment: &Deployment) -> Aws {
        match deployment.aws_endpoint() {
            Some(endpoint) => Aws::local(endpoint, deployment.region().unwrap_or("us-east-1")),
            None => Aws::of_operator_in(deployment.region()).await,
        }
    }

    async fn secret_key(&self, deployment: &Deployment) -> Result<String, Failure> {
        let arn = deployment.admin_key_secret().ok_or_else(|| {
            Failure::usage("The stack file has neither adminKey nor AdminKeySecretArn.").try_this("--key KEY")
        })?;
        let secret = secrets::read(&self.aws(deployment).await, arn).await.map_err(|error| {
            Failure::failed("The admin key could not be read from Secrets Manager.", error)
                .try_this("look at your AWS credentials (`aws sts get-caller-identity`), or give --key KEY")
        })?;
        Ok(format!("sk_{secret}"))
    }

    async fn look_up(&self, name: &str) -> Result<Deployment, Failure> {
        let aws = Aws::of_operator_in(None).await;
        let outputs = stack_outputs::read(&aws, name).await.map_err(|error| {
            Failure::failed(format!("The stack {name} could not be looked up in CloudFormation."), error)
                .try_this("look at your AWS credentials and region (`aws sts get-caller-identity`, AWS_REGION)")
        })?;
        Ok(Deployment::of(outputs))
    }
}

/// The key of a file, without what surrounds it.
fn read_key(file: &Path) -> Result<String, Failure> {
    let wrong = || Failure::usage(format!("The key's file {} cannot be used.", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong().because(error))?;
    let key = text.trim();
    if key.is_empty() { Err(wrong().because("it is empty")) } else { Ok(key.to_owned()) }
}

fn read_file(file: &Path) -> Result<Deployment, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("The stack file {} cannot be used.", file.display())).because(why).try_this(
            "make one: `sam list stack-outputs --stack-name hookbell --output json > stack.json`, or locally `make up`",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Deployment::read(&text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        let text = |value: &str| Some(value.to_owned());
        Environment { stack: text("env.json"), api_url: text("http://env"), key: text("sk_env"), aws_endpoint: None }
    }

    #[test]
    fn options_come_before_the_environment_and_that_before_the_default() {
        let file = |name: &str| Some(Place::file(name));
        let url = |url: &str| Some(Place::Url(url.to_owned()));
        let check = |options: &Options, environment: &Environment, place: Option<Place>, key: Option<&str>| {
            assert_eq!(choose(options, environment, true), (place, key.map(str::to_owned)));
        };
        let (nothing, none) = (Environment::default(), Options::default());
        check(&none, &nothing, file(DEFAULT_STACK), None);
        check(&none, &environment(), url("http://env"), Some("sk_env"));
        let of_stack = Environment { api_url: None, ..environment() };
        check(&none, &of_stack, file("env.json"), Some("sk_env"));
        let stack = Options { stack: Some("mine.json".into()), ..Options::default() };
        check(&stack, &environment(), file("mine.json"), None);
        let with_key = Options { key: Some("sk_mine".to_owned()), ..stack };
        check(&with_key, &environment(), file("mine.json"), Some("sk_mine"));
        let name = Options { stack_name: Some("hookbell".to_owned()), ..Options::default() };
        check(&name, &environment(), Some(Place::Stack("hookbell".to_owned())), None);
        let of_url = Options { api_url: Some("http://mine".to_owned()), ..Options::default() };
        check(&of_url, &environment(), url("http://mine"), Some("sk_env"));
    }
}
