//! Fills the table with copies of a published resource, in batches.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use tokio::task::JoinSet;
use vitrine::aws::storage::table::schema::{PARTITION, POSITION, SORT};
use vitrine_local::services::{Services, TABLE};

use crate::Result;

/// Items per `BatchWriteItem`.
const BATCH: usize = 25;
/// Concurrent batches.
const LANES: usize = 4;

type Item = HashMap<String, AttributeValue>;

/// Copies the item of dashboard 2 until there are `published` dashboards. Only the item under the primary id is
/// copied: lists read no other.
pub async fn fill(services: &Services, published: usize) -> Result<()> {
    let config = Builder::from(&services.sdk_config().await)
        .endpoint_url(format!("http://{}", services.dynamodb))
        .build();
    let client = Client::from_conf(config);
    let key = HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S("dashboard#2".to_owned())),
        (SORT.to_owned(), AttributeValue::S("resource".to_owned())),
    ]);
    let model = client.get_item().table_name(TABLE).set_key(Some(key)).send().await?;
    let model = model.item.ok_or("the item of dashboard 2 was not found")?;

    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (client, model) = (client.clone(), model.clone());
        lanes.spawn(async move {
            let numbers: Vec<_> = (3..=published).skip(lane).step_by(LANES).collect();
            for numbers in numbers.chunks(BATCH) {
                write(&client, numbers.iter().map(|&number| copy(&model, number)).collect()).await?;
            }
            Ok::<_, crate::Failure>(())
        });
    }
    for lane in lanes.join_all().await {
        lane?;
    }
    Ok(())
}

async fn write(client: &Client, items: Vec<Item>) -> Result<()> {
    let mut requests = Vec::new();
    for item in items {
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        requests.push(WriteRequest::builder().put_request(put).build());
    }
    let answer = client.batch_write_item().request_items(TABLE, requests).send().await?;
    match answer.unprocessed_items() {
        Some(left) if !left.is_empty() => Err("the embedded engine did not write every item".into()),
        _ => Ok(()),
    }
}

/// The same dashboard with another number.
fn copy(model: &Item, number: usize) -> Item {
    let mut item = model.clone();
    for (name, value) in [
        (PARTITION, format!("dashboard#{number}")),
        (POSITION, format!("dashboard#{number:016}")),
        ("public_id", format!("p{number:011}")),
        ("entity_id", format!("e{number:020}")),
        ("title", format!("Dashboard {number}")),
    ] {
        item.insert(name.to_owned(), AttributeValue::S(value));
    }
    item.insert("id".to_owned(), AttributeValue::N(number.to_string()));
    item
}
