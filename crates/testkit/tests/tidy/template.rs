//! `template.yaml`, asked for resources and for values with the parameters' defaults put in.

use serde_json::Value;

use crate::{Breaches, yaml};

/// What is not there.
const NOTHING: Value = Value::Null;

/// The template of a deployment.
pub(crate) struct Template {
    document: Value,
}

impl Template {
    /// The repository's own.
    pub(crate) fn read() -> Self {
        Self { document: yaml::parse(&crate::read("template.yaml")) }
    }

    /// The same with another value at a place that it has, given as a JSON pointer; null takes it away.
    pub(crate) fn with(mut self, pointer: &str, value: Value) -> Self {
        let place = self.document.pointer_mut(pointer);
        *place.unwrap_or_else(|| panic!("template.yaml has no {pointer}: say what stands there now")) = value;
        self
    }

    /// What is at a JSON pointer, nothing (null) included.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.document.pointer(pointer).unwrap_or(&NOTHING)
    }

    /// A value itself, or a parameter's default where it refers to a parameter.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("Ref").and_then(Value::as_str) {
            Some(name) => match self.at(&format!("/Parameters/{name}")) {
                Value::Null => value,
                parameter => parameter.get("Default").unwrap_or(&NOTHING),
            },
            None => value,
        }
    }

    /// The resources of a type.
    pub(crate) fn resources(&self, kind: &str) -> Vec<Resource<'_>> {
        self.all_resources().filter(|resource| resource.attribute("Type") == kind).collect()
    }

    /// The resource that `!Ref` or `!GetAtt` names.
    pub(crate) fn referenced(&self, value: &Value) -> Option<Resource<'_>> {
        let name = value.get("Ref").or_else(|| value.pointer("/Fn::GetAtt/0"))?.as_str()?;
        self.all_resources().find(|resource| resource.name == name)
    }

    /// The functions.
    pub(crate) fn functions(&self) -> Vec<Resource<'_>> {
        self.resources("AWS::Serverless::Function")
    }

    /// The function of a folder.
    pub(crate) fn function_in(&self, folder: &str) -> Option<Resource<'_>> {
        self.functions().into_iter().find(|function| function.property("CodeUri") == folder)
    }

    fn all_resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.at("/Resources").as_object().into_iter().flatten();
        resources.map(|(name, body)| Resource { template: self, name, body })
    }
}

/// One entry of the template's resources.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'a> {
    template: &'a Template,
    pub(crate) name: &'a str,
    pub(crate) body: &'a Value,
}

impl<'a> Resource<'a> {
    /// What stands beside the properties, such as `Type` or `DeletionPolicy`.
    pub(crate) fn attribute(&self, name: &str) -> &'a Value {
        self.body.get(name).unwrap_or(&NOTHING)
    }

    /// A property by its path, a function's from the globals too, a parameter's default for the parameter.
    pub(crate) fn property(&self, path: &str) -> &'a Value {
        self.template.resolve(self.raw_property(path))
    }

    /// A property as it is written.
    pub(crate) fn raw_property(&self, path: &str) -> &'a Value {
        let own = self.body.pointer(&format!("/Properties/{path}"));
        own.unwrap_or_else(|| match self.attribute("Type").as_str() {
            Some("AWS::Serverless::Function") => self.template.at(&format!("/Globals/Function/{path}")),
            _ => &NOTHING,
        })
    }

    /// A property that is a number, or what AWS takes where it is not set.
    pub(crate) fn number(&self, path: &str, default: u64) -> u64 {
        match self.property(path) {
            Value::Null => default,
            Value::Number(number) if number.is_u64() => number.as_u64().unwrap_or(default),
            Value::String(text) if text.parse::<u64>().is_ok() => text.parse().unwrap_or(default),
            other => panic!("template.yaml: {} has {other} as {path}, which is no whole number", self.name),
        }
    }

    /// The entries of a property that is a mapping, as they are written.
    pub(crate) fn entries(&self, path: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.raw_property(path).as_object().into_iter().flatten()
    }

    /// The names in a mapping property, the globals' included.
    pub(crate) fn keys(&self, path: &str) -> impl Iterator<Item = &'a String> {
        let global = self.template.at(&format!("/Globals/Function/{path}")).as_object().into_iter().flatten();
        global.chain(self.entries(path)).map(|(key, _)| key)
    }
}

/// The template has none of a rule's breaches.
#[track_caller]
pub(crate) fn kept(rule: impl Fn(&Template) -> Breaches) {
    crate::kept(&rule(&Template::read()));
}

/// The template has a breach of the rule when the value at the pointer is this one.
#[track_caller]
pub(crate) fn noticed(rule: impl Fn(&Template) -> Breaches, pointer: &str, value: Value, words: &str) {
    crate::noticed(&rule(&Template::read().with(pointer, value)), words);
}
