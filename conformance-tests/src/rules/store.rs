//! The rules of a store.

mod checking;
mod cloning;
mod concurrency;
mod creating;
mod end_all;
mod engine;
mod expiry;
mod index_timing;
mod keys;
mod loading;
mod many;
mod observing;
mod outages;
mod owner_index;
mod owners;
mod payloads;
mod removing;
mod reopening;
mod replacing;
mod sweeping;
mod sweeping_kinds;
mod threads;
mod times;
mod touching;
mod versions;

use crate::harness::store::StoreUnderTest;
use crate::macros::rule_lists;

rule_lists! {
    ($) pub(crate) for StoreUnderTest, macro __store_rules, each with __store_group;
    always: creating::CREATING, macro __store_creating;
    always: keys::KEYS, macro __store_keys;
    always: loading::LOADING, macro __store_loading;
    always: replacing::REPLACING, macro __store_replacing;
    always: versions::VERSIONS, macro __store_versions;
    always: touching::TOUCHING, macro __store_touching;
    always: removing::REMOVING, macro __store_removing;
    always: payloads::PAYLOADS, macro __store_payloads;
    always: owners::OWNERS, macro __store_owners;
    always: times::TIMES, macro __store_times;
    always: expiry::EXPIRY, macro __store_expiry;
    always: observing::OBSERVING, macro __store_observing;
    always: concurrency::CONCURRENCY, macro __store_concurrency;
    always: threads::THREADS, macro __store_threads;
    always: checking::CHECKING, macro __store_checking;
    always: many::MANY, macro __store_many;
    always: engine::ENGINE, macro __store_engine;
    owner_index: owner_index::OWNER_INDEX, macro __store_owner_index;
    owner_index: index_timing::INDEX_TIMING, macro __store_index_timing;
    owner_index: threads::INDEX_THREADS, macro __store_index_threads;
    owner_index: end_all::END_ALL, macro __store_end_all;
    sweep: sweeping::SWEEPING, macro __store_sweeping;
    sweep: sweeping_kinds::SWEEPING_KINDS, macro __store_sweeping_kinds;
    reopen: reopening::REOPENING, macro __store_reopening;
    outage: outages::OUTAGES, macro __store_outages;
    outage: checking::CHECKING_OUTAGES, macro __store_checking_outages;
    clones: cloning::CLONING, macro __store_cloning;
}
