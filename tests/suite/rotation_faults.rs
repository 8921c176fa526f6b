//! Interrupted changes of the key set: afterwards the whole old set or the whole new set is in force, and a
//! retry completes the change.

use serde_json::json;
use vitrine_local::secret_store::PENDING;
use vitrine_tests::{Call, Product, SECRET};

use crate::rotation::{STEPS, keys, opens, rotate, signed, take, versions_labelled};
use crate::wire::{Line, Wires, wired};

async fn product() -> (Product, Wires) {
    let (product, wires) = wired(&[("KeyCacheSeconds", "0")]).await;
    product.publish("dashboard/1", json!({})).await;
    (product, wires)
}

/// Two interruptions: before a request and before its answer.
fn lines(question: usize) -> [Line; 2] {
    [Line::CutAfter(question), Line::LostAfter(question + 1)]
}

#[tokio::test]
async fn every_step_of_a_rotation_can_be_interrupted_at_each_request() {
    for (index, step) in STEPS.iter().enumerate() {
        let mut question = 0;
        'cut: loop {
            for line in lines(question) {
                let (product, wires) = product().await;
                let version = product.services.begin_rotation().unwrap();
                for step in &STEPS[..index] {
                    take(&product, step, &version).await.unwrap();
                }
                wires.secrets_manager.set(line.clone());
                let taken = take(&product, step, &version).await;
                wires.secrets_manager.set(Line::Through);
                if taken.is_ok() {
                    break 'cut;
                }
                let case = format!("{step}, {line:?}");
                assert!(opens(&product, &signed(&product, SECRET)).await, "{case}");
                let in_force = product.services.embedding_secret();
                assert!(in_force == SECRET || *step == "finishSecret", "{case}");
                assert!(opens(&product, &signed(&product, &in_force)).await, "{case}");
                // The step is retried.
                for step in &STEPS[index..] {
                    take(&product, step, &version).await.unwrap();
                }
                let secret = product.services.embedding_secret();
                assert_ne!(secret, SECRET, "{case}");
                assert_eq!(keys(&product).await.len(), 2, "{case}: one new key");
                for secret in [SECRET, &secret] {
                    assert!(opens(&product, &signed(&product, secret)).await, "{case}");
                }
            }
            question += 1;
        }
        assert!(question >= 1, "{step} sends requests");
    }
}

/// The new key of an abandoned rotation never comes into force.
#[tokio::test]
async fn abandoning_a_rotation_can_be_interrupted_at_each_request() {
    let other = "0123456789abcdef".repeat(4);
    for line in (0..5).flat_map(lines) {
        let (product, wires) = product().await;
        let version = product.services.begin_rotation().unwrap();
        for step in &STEPS[..3] {
            take(&product, step, &version).await.unwrap();
        }
        let body = json!({ "value": other });
        let replaced = product.put("/api/setting/embedding-secret-key", body).admin().send().await;
        assert_eq!(replaced.status, 204, "{}", replaced.text);
        wires.secrets_manager.set(line.clone());
        take(&product, "finishSecret", &version).await.unwrap_err();
        wires.secrets_manager.set(Line::Through);
        take(&product, "finishSecret", &version).await.unwrap_err();
        assert_eq!(product.services.embedding_secret(), other, "{line:?}");
        assert_eq!(
            versions_labelled(&product, PENDING),
            0,
            "{line:?}: no pending version blocks the next rotation"
        );
        assert!(!opens(&product, &signed(&product, SECRET)).await, "{line:?}");
        rotate(&product).await;
        assert!(opens(&product, &signed(&product, &other)).await, "{line:?}");
    }
}

/// Interrupts an owner's change of the key set before each request and before each answer.
async fn interrupt_change(change: impl Fn(&Product, &str) -> Call, is_done: impl AsyncFn(&Product) -> bool) {
    let mut interrupted = 0;
    for line in (0..5).flat_map(lines) {
        let (product, wires) = product().await;
        rotate(&product).await;
        let secret = product.services.embedding_secret();
        let old = keys(&product).await[1]["kid"].as_str().unwrap().to_owned();
        wires.secrets_manager.set(line.clone());
        let answer = change(&product, &old).send().await;
        wires.secrets_manager.set(Line::Through);
        if answer.status == 204 {
            continue;
        }
        interrupted += 1;
        assert_eq!(answer.refusal(), (503, "unavailable"), "{line:?}");
        if !is_done(&product).await {
            assert_eq!(product.services.embedding_secret(), secret, "{line:?}");
            for secret in [SECRET, &secret] {
                assert!(
                    opens(&product, &signed(&product, secret)).await,
                    "{line:?}: both secrets still work"
                );
            }
            let again = change(&product, &old).send().await;
            assert_eq!(again.status, 204, "{line:?}: {}", again.text);
        }
        assert!(is_done(&product).await, "{line:?}");
        assert!(!opens(&product, &signed(&product, SECRET)).await, "{line:?}");
    }
    assert!(interrupted >= 2, "{interrupted}");
}

#[tokio::test]
async fn retiring_a_key_can_be_interrupted_at_each_request() {
    interrupt_change(
        |product, kid| product.delete(&format!("/v1/signing-keys/{kid}?force=true")).admin(),
        async |product| keys(product).await.len() == 1,
    )
    .await;
}

#[tokio::test]
async fn replacing_the_secret_can_be_interrupted_at_each_request() {
    let other = "0123456789abcdef".repeat(4);
    interrupt_change(
        |product, _| product.put("/api/setting/embedding-secret-key", json!({ "value": other })).admin(),
        async |product| product.services.embedding_secret() == other,
    )
    .await;
}
