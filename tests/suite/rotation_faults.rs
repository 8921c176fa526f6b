//! Changes of the key set that are cut off anywhere: the old set or the new one is in force, whole, and asking
//! again ends what was begun.

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

/// Cut off before a question, and before its answer.
fn lines(question: usize) -> [Line; 2] {
    [Line::CutAfter(question), Line::LostAfter(question + 1)]
}

#[tokio::test]
async fn every_step_of_a_rotation_can_be_cut_off_anywhere() {
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
                // It is sent again.
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
        assert!(question >= 1, "{step} asks");
    }
}

/// A rotation that must be given up stays so: what it made never comes into force.
#[tokio::test]
async fn giving_up_can_be_cut_off_anywhere() {
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
        assert_eq!(versions_labelled(&product, PENDING), 0, "{line:?}: the next rotation can begin");
        assert!(!opens(&product, &signed(&product, SECRET)).await, "{line:?}");
        rotate(&product).await;
        assert!(opens(&product, &signed(&product, &other)).await, "{line:?}");
    }
}

/// An owner's change of the key set, cut off before each question and before each answer.
async fn cut_off(change: impl Fn(&Product, &str) -> Call, is_done: impl AsyncFn(&Product) -> bool) {
    let mut was_cut = 0;
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
        was_cut += 1;
        assert_eq!(answer.refusal(), (503, "unavailable"), "{line:?}");
        if !is_done(&product).await {
            assert_eq!(product.services.embedding_secret(), secret, "{line:?}");
            for secret in [SECRET, &secret] {
                assert!(opens(&product, &signed(&product, secret)).await, "{line:?}: as before");
            }
            let again = change(&product, &old).send().await;
            assert_eq!(again.status, 204, "{line:?}: {}", again.text);
        }
        assert!(is_done(&product).await, "{line:?}");
        assert!(!opens(&product, &signed(&product, SECRET)).await, "{line:?}");
    }
    assert!(was_cut >= 2, "{was_cut}");
}

#[tokio::test]
async fn a_retirement_can_be_cut_off_anywhere() {
    cut_off(
        |product, kid| product.delete(&format!("/v1/signing-keys/{kid}?force=true")).admin(),
        async |product| keys(product).await.len() == 1,
    )
    .await;
}

#[tokio::test]
async fn a_replacement_can_be_cut_off_anywhere() {
    let other = "0123456789abcdef".repeat(4);
    cut_off(
        |product, _| product.put("/api/setting/embedding-secret-key", json!({ "value": other })).admin(),
        async |product| product.services.embedding_secret() == other,
    )
    .await;
}
