//! Fuzz targets of what is read here: see `infra/fuzz`.

use hookbell_fuzz::Fuzz;

use super::records::{Ended, Task, read_accepted, write, write_accepted};

#[test]
fn records() {
    let words = [
        "\"organizationId\":",
        "\"endpointId\":",
        "\"messageId\":",
        "\"deliveryId\":",
        "\"replayId\":",
        "\"attempt\":",
        "\"manual\":",
        "\"makes\":",
        "\"dueAt\":",
        "\"revision\":",
        "\"hops\":",
        "\"redrives\":",
        "\"step\":",
        "\"payload\":",
        "\"endedBecause\":",
        "\"gone\"",
        "4294967296",
        "18446744073709551615",
        "-9223372036854775808",
        ",",
        "{",
        "}",
    ];
    Fuzz::of("records").words(&words).run(|text| {
        let task = text.parse::<Task>();
        if let Ok(task) = &task {
            assert_eq!(&write(task).unwrap().parse::<Task>().unwrap(), task);
            if let Task::Delivery(task) = task {
                assert!(task.due_at().as_millisecond() == task.due_at || task.due_at().as_millisecond() == 0);
            }
        }
        let ended = text.parse::<Ended>();
        if let Ok(ended) = &ended {
            assert_eq!(&write(ended).unwrap().parse::<Ended>().unwrap(), ended);
        }
        let accepted = read_accepted(text);
        if let Ok(event) = &accepted {
            let again = read_accepted(&write_accepted(event).unwrap()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{event:?}"));
        }
        let said = [task.err(), ended.err(), accepted.err()].map(|error| error.map(|error| error.to_string()));
        format!("{said:?}")
    });
}
