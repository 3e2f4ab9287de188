//! What was computed from a storage's contents and is kept until these change: a weight packed for products, say.
//!
//! A value belongs to the contents that it was made from by a stamp that every write to the storage changes once it is
//! done: [`super::Tensor::bump_version`], [`super::Storage::touch`]. Memory that others may write without saying so is
//! refused ([`super::Storage::expose`]). So a value is never used for other contents than its own.
//!
//! A value is made at the second use of the same contents in the same way: what is used once would gain nothing. All
//! values together stay within a limit.

use smallvec::SmallVec;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What a value was made for besides the contents: place, geometry, instruction set.
pub type Key = SmallVec<[usize; 8]>;
/// The state of a storage's contents.
pub(super) type Stamp = (u32, u32);

/// A value that can be kept.
pub trait Keep: Any + Send + Sync {
    /// Its size in bytes.
    fn nbytes(&self) -> usize;
}

static LIMIT: AtomicUsize = AtomicUsize::new(64 << 20);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// How many bytes all kept values may take together.
pub fn limit() -> usize {
    LIMIT.load(Relaxed)
}

/// Sets the [`limit`]. What is held beyond it goes as its contents change.
pub fn set_limit(nbytes: usize) {
    LIMIT.store(nbytes, Relaxed);
}

/// How many bytes all kept values take.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

/// Counts `nbytes` more, if they fit.
fn reserve(nbytes: usize) -> bool {
    let more = |held: usize| held.checked_add(nbytes).filter(|&n| n <= limit());
    HELD.fetch_update(Relaxed, Relaxed, more).is_ok()
}

/// A storage's place for a value.
#[derive(Default)]
pub(super) struct Kept {
    // Never waited for: a process that was forked while it was locked would wait forever.
    slot: Mutex<Slot>,
    full: AtomicBool,
}

#[derive(Default)]
struct Slot {
    /// The last use that found no value.
    seen: Option<(Stamp, Key)>,
    value: Option<Value>,
}

struct Value {
    stamp: Stamp,
    key: Key,
    nbytes: usize,
    it: Arc<dyn Any + Send + Sync>,
}

impl Drop for Value {
    fn drop(&mut self) {
        HELD.fetch_sub(self.nbytes, Relaxed);
    }
}

impl Kept {
    /// The value for a key and the contents of `stamp`. On the second use, `make` makes it, of about `nbytes` bytes.
    pub(super) fn get<T: Keep>(
        &self,
        stamp: impl Fn() -> Stamp,
        key: Key,
        nbytes: usize,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<Arc<T>> {
        let before = stamp();
        {
            let mut slot = self.slot.try_lock().ok()?;
            if let Some(v) = &slot.value
                && v.stamp == before
                && v.key == key
            {
                let it = v.it.clone();
                slot.seen = None;
                return it.downcast().ok();
            }
            if slot.seen.as_ref() != Some(&(before, key.clone())) {
                slot.seen = Some((before, key));
                return None;
            }
            // What is there belongs to other contents, or to a use that two of this kind have followed: it makes way.
            let old = slot.value.as_ref().map_or(0, |v| v.nbytes);
            if held().saturating_sub(old).saturating_add(nbytes) > limit() {
                return None;
            }
        }
        let value = Arc::new(make()?);
        let nbytes = value.nbytes();
        let mine = Some((before, key));
        if let Ok(mut slot) = self.slot.try_lock()
            // Another thread may have come with another use meanwhile: then its turn is next.
            && slot.seen == mine
            && let Some((_, key)) = mine
        {
            slot.seen = None;
            slot.value = None;
            if !reserve(nbytes) {
                return (stamp() == before).then_some(value);
            }
            slot.value = Some(Value { stamp: before, key, nbytes, it: value.clone() });
            self.full.store(true, Relaxed);
        }
        // A write since then has made it useless, for this time as well.
        (stamp() == before).then_some(value)
    }

    /// Gives a value back whose contents have changed.
    #[inline(always)]
    pub(super) fn clear(&self) {
        if self.full.load(Relaxed) {
            self.give_back();
        }
    }

    #[cold]
    fn give_back(&self) {
        if let Ok(mut slot) = self.slot.try_lock() {
            self.full.store(false, Relaxed);
            *slot = Slot::default();
        }
    }
}
