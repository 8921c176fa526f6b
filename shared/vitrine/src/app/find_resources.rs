//! Finds resources by words, and sorts them, for people who look through a list.

use crate::aws::storage::ResourceLister;
use crate::aws::storage::resources::Listing;
use vitrine_rules::error::Result;
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine_rules::resource::ResourceSummary;

/// The number of pages of the store that one search reads: 120,000 resources.
const MAX_PAGES: usize = 120;

/// The most results that are kept.
const MAX_FOUND: usize = 10_000;

/// The order of found resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By kind and id, as they are stored.
    #[default]
    Stored,
    Title,
    /// The ones that were changed last come first.
    Updated,
    /// The newest first.
    Created,
}

/// Found resources, a page of them.
#[derive(Debug)]
pub struct FoundResources {
    pub items: Vec<ResourceSummary>,
    pub total: usize,
    /// There were more than are looked through or kept.
    pub is_cut: bool,
}

crate::capability_set! {
    pub struct ResourceFinder {
        lister: ResourceLister,
    }
}

impl ResourceFinder {
    /// A page in the order of the store, which takes one query however long the list is.
    pub async fn page(&self, listing: &Listing<'_>, paging: &Paging) -> Result<Page<ResourceSummary>> {
        self.lister.list(listing, paging).await
    }

    /// The resources with all of these words in their title, description or ids. `page` counts from zero.
    pub async fn find(
        &self,
        listing: &Listing<'_>,
        words: &str,
        order: Order,
        page: usize,
        size: usize,
    ) -> Result<FoundResources> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let (mut found, mut is_cut) = (Vec::new(), true);
        let mut paging = Paging::new(Some(MAX_LIMIT), None);
        for _ in 0..MAX_PAGES {
            let page = self.lister.list(listing, &paging).await?;
            paging.after = page.next().map(str::to_owned);
            found.extend(page.items.into_iter().filter(|one| has_all(one, &words)));
            if found.len() > MAX_FOUND {
                found.truncate(MAX_FOUND);
                break;
            }
            if paging.after.is_none() {
                is_cut = false;
                break;
            }
        }
        match order {
            Order::Stored => {}
            Order::Title => found.sort_by_cached_key(|one| one.title.to_lowercase()),
            Order::Updated => found.sort_by_key(|one| std::cmp::Reverse(one.updated_at)),
            Order::Created => found.sort_by_key(|one| std::cmp::Reverse(one.created_at)),
        }
        let total = found.len();
        Ok(FoundResources {
            items: found.into_iter().skip(page.saturating_mul(size)).take(size).collect(),
            total,
            is_cut,
        })
    }
}

fn has_all(resource: &ResourceSummary, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let texts = [
        resource.title.to_lowercase(),
        resource.description.as_deref().unwrap_or_default().to_lowercase(),
        resource.id.to_string().to_lowercase(),
        resource.public_id.to_lowercase(),
        resource.entity_id.as_deref().unwrap_or_default().to_lowercase(),
    ];
    words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
}
