//! `functions/` and the template name the same functions.

use serde_json::{Value, json};

use crate::Breaches;
use crate::template::Template;

fn folders(template: &Template, folders: &[String]) -> Breaches {
    let mut breaches = Breaches::new();
    let functions = template.functions();
    for folder in folders {
        let path = format!("functions/{folder}");
        let its: Vec<_> = functions.iter().filter(|function| function.property("CodeUri") == &path).collect();
        let [function] = its.as_slice() else {
            breaches
                .push(format!("{path}: {} functions in template.yaml have it as their CodeUri, not one", its.len()));
            continue;
        };
        let binary = function.body.pointer("/Metadata/BuildProperties/Binary").unwrap_or(&Value::Null);
        if binary != folder {
            breaches.push(format!("{}: its Binary is {binary}, not {folder:?} as {path} builds it", function.name));
        }
    }
    for function in &functions {
        let code = function.property("CodeUri");
        if !folders.iter().any(|folder| code == &format!("functions/{folder}")) {
            breaches.push(format!("{}: its CodeUri {code} is no folder of functions/", function.name));
        }
    }
    breaches
}

#[test]
fn every_folder_in_functions_is_one_function_of_the_template() {
    let rule = |template: &Template| folders(template, &crate::folders_in("functions"));
    crate::template::kept(rule);
    let function = "/Resources/SenderFunction";
    let code = format!("{function}/Properties/CodeUri");
    crate::template::noticed(rule, &code, json!("functions/gone"), "functions/sender: 0 functions");
    crate::template::noticed(rule, &code, json!("functions/dlq"), "functions/dlq: 2 functions");
    crate::template::noticed(rule, &code, json!("functions/gone"), "\"functions/gone\" is no folder");
    let binary = format!("{function}/Metadata/BuildProperties/Binary");
    crate::template::noticed(rule, &binary, json!("api"), "its Binary is \"api\"");
}
