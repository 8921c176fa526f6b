//! Finds resources by words, and sorts them, for people who look through a list.

use futures_util::future::try_join_all;

use crate::aws::storage::ResourceLister;
use crate::aws::storage::resources::Listing;
use vitrine_rules::error::Result;
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine_rules::resource::ResourceSummary;
use vitrine_rules::resource::ids::Kind;

/// The number of pages of the store that one sorted list reads of each kind: 120,000 resources.
const MAX_PAGES: usize = 120;

/// The most results that a sorted list has pages for.
pub const MAX_FOUND: usize = 10_000;

/// The searches of a page that has found nothing so far. Each of them reads twenty thousand resources at most.
const MAX_SEARCHES: usize = 5;

/// The order of a sorted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Title,
    /// The ones that were changed last come first.
    Updated,
    /// The newest first.
    Created,
}

impl Order {
    fn sort(self, found: &mut [ResourceSummary]) {
        match self {
            Self::Title => found.sort_by_cached_key(|one| one.title.to_lowercase()),
            Self::Updated => found.sort_by_key(|one| std::cmp::Reverse(one.updated_at)),
            Self::Created => found.sort_by_key(|one| std::cmp::Reverse(one.created_at)),
        }
    }
}

/// Found resources, a page of them.
#[derive(Debug)]
pub struct FoundResources {
    pub items: Vec<ResourceSummary>,
    pub total: usize,
    /// There were more than are looked through.
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

    /// The first of a list, as many as one request gives.
    pub async fn glance(&self, listing: &Listing<'_>) -> Result<Page<ResourceSummary>> {
        self.lister.glance(listing).await
    }

    /// A page of the resources with all of these words in their title, description or ids, in the order of the store. It
    /// reads as many as needed for a first result, up to a limit, so a page may be empty with others after it.
    pub async fn search(
        &self,
        listing: &Listing<'_>,
        words: &str,
        paging: &Paging,
    ) -> Result<Page<ResourceSummary>> {
        let words = words_of(words);
        let mut paging = paging.clone();
        let mut page = self.lister.search(listing, |one| has_all(one, &words), &paging).await?;
        for _ in 1..MAX_SEARCHES {
            if !page.items.is_empty() || !page.has_next {
                break;
            }
            paging.after = page.next().map(str::to_owned);
            page = self.lister.search(listing, |one| has_all(one, &words), &paging).await?;
        }
        Ok(page)
    }

    /// The resources with all of these words, sorted. It has to read all of them: no index has these orders. `page` counts
    /// from zero.
    pub async fn sorted(
        &self,
        listing: &Listing<'_>,
        words: &str,
        order: Order,
        page: usize,
        size: usize,
    ) -> Result<FoundResources> {
        let words = words_of(words);
        let end = page.saturating_add(1).saturating_mul(size).min(MAX_FOUND);
        let kinds = listing.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
        let of_kind = |kind| Listing { kind: Some(kind), ..listing.clone() };
        let listings: Vec<_> = kinds.into_iter().map(of_kind).collect();
        let parts = try_join_all(listings.iter().map(|one| self.first(one, &words, order, end))).await?;
        let total = parts.iter().map(|part| part.total).sum();
        let is_cut = parts.iter().any(|part| part.is_cut);
        let mut items: Vec<_> = parts.into_iter().flat_map(|part| part.items).collect();
        order.sort(&mut items);
        let items = items.into_iter().take(end).skip(page.saturating_mul(size)).take(size).collect();
        Ok(FoundResources { items, total, is_cut })
    }

    /// The first `end` of a kind.
    async fn first(
        &self,
        listing: &Listing<'_>,
        words: &[String],
        order: Order,
        end: usize,
    ) -> Result<FoundResources> {
        let mut found = FoundResources { items: Vec::new(), total: 0, is_cut: true };
        let mut paging = Paging::new(Some(MAX_LIMIT), None);
        for _ in 0..MAX_PAGES {
            let page = self.lister.list(listing, &paging).await?;
            paging.after = page.next().map(str::to_owned);
            let before = found.items.len();
            found.items.extend(page.items.into_iter().filter(|one| has_all(one, words)));
            found.total += found.items.len() - before;
            // Memory holds those that are shown and a page of the store, however many there are.
            order.sort(&mut found.items);
            found.items.truncate(end);
            if paging.after.is_none() {
                found.is_cut = false;
                break;
            }
        }
        Ok(found)
    }
}

fn words_of(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
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
