//! Seals all that a deployment keeps sealed under its current encryption key: `hookbell-reseal <table> <secret's ARN>`.
//!
//! It can be run at any time, beside the functions, and again: what is under the current key already stays as it is. When
//! it ends well, nothing in the table needs another key any more.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use hookbell_aws::clients::Aws;
use hookbell_aws::sealing::Keys;
use hookbell_aws::table::Table;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, secret] = arguments.as_slice() else {
        eprintln!("usage: hookbell-reseal <table> <ARN of the encryption key's secret>");
        return ExitCode::from(2);
    };
    match run(table, secret).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "{error}\nRun it again: what is done stays done, and nothing depends on the rest being done soon."
            );
            ExitCode::FAILURE
        }
    }
}

async fn run(table: &str, secret: &str) -> Result<(), Box<dyn Error>> {
    let aws = Aws::of_operator().await;
    let keys = Keys::load(&aws, secret).await?;
    // Nothing is written here that would expire.
    let table = Table::new(&aws, table.to_owned(), Duration::MAX);
    let swept = table.reseal_all(&keys).await?;
    println!("{} endpoints, {} of them sealed anew. All are under the current key.", swept.endpoints, swept.resealed);
    Ok(())
}
