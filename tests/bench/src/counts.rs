//! How often a case asks its services: before the first event, for the first, and for one of those after.

use std::path::Path;

use serde_json::{Value, json};

use crate::Result;
use crate::cases::Case;
use crate::counting::Counting;
use crate::process::Process;
use crate::product::Product;

const WARM: usize = 10;

#[derive(Default)]
pub struct Count {
    before: usize,
    first: usize,
    warm: usize,
}

#[derive(Default)]
pub struct Counts {
    pub dynamodb: Count,
    pub secrets_manager: Count,
}

impl Count {
    /// A fraction where some of the warm ones ask and others do not.
    pub fn warm(&self) -> f64 {
        self.warm as f64 / WARM as f64
    }

    pub fn as_json(&self) -> Value {
        json!({"before_ready": self.before, "first": self.first, "warm": self.warm()})
    }
}

pub async fn count(case: &Case, binary: &Path, product: &Product, folder: &Path) -> Result<Counts> {
    let dynamodb = Counting::before(product.services.dynamodb).await?;
    let secrets_manager = Counting::before(product.services.secrets_manager).await?;
    let mut environment = product.services.environment();
    // The later of two wins.
    environment.push(("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", dynamodb.address)));
    environment.push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", secrets_manager.address)));
    environment.extend(case.settings.iter().map(|(name, value)| (*name, (*value).to_owned())));

    let mut process = Process::start(binary, &environment, folder).await?;
    let mut counts = Counts::default();
    (counts.dynamodb.before, counts.secrets_manager.before) = (dynamodb.taken(), secrets_manager.taken());
    for number in 0..=WARM {
        let event = case.event(product).await?;
        process.api.invoke(&event).await?;
        let (reads, secrets) = (dynamodb.taken(), secrets_manager.taken());
        if number == 0 {
            (counts.dynamodb.first, counts.secrets_manager.first) = (reads, secrets);
        } else {
            counts.dynamodb.warm += reads;
            counts.secrets_manager.warm += secrets;
        }
    }
    Ok(counts)
}
