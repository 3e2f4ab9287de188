//! Random number generators: torch's Mersenne Twister for the CPU, its seed and the 5056 bytes that save it, and the
//! GPU's, see [`super::philox`].
//!
//! The engine is MT19937 (Matsumoto & Nishimura 1998, doi:10.1145/272991.272995) with the seeding of its 2002
//! reference code. Streams are the same as torch's, word for word, so that a seed means the same numbers in both.

use super::device::Device;
use super::philox::Philox;
use crate::error::{Error, Kind, Result, stop, three_parts};
use crate::fail;
use std::hash::{BuildHasher, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// Words of state.
pub(crate) const N: usize = 624;
const M: usize = 397;

/// Bytes of a saved state.
pub const STATE_BYTES: usize = 5056;
/// The seed of a generator that nobody has seeded, as in torch.
pub const DEFAULT_SEED: u64 = 67_280_421_310_721;

// Offsets in the saved state, which has the layout of a C struct:
// u64 seed; i32 left; i32 seeded; u64 next; u64 state[624]; f64 x, y, rho; i32 y_is_valid; f32 next; u8 next_is_valid.
const LEFT: usize = 8;
const SEEDED: usize = 12;
const NEXT: usize = 16;
const STATE: usize = 24;
const NORMAL_Y: usize = STATE + 8 * N + 8;
const NORMAL_VALID: usize = NORMAL_Y + 16;
const FLOAT_NEXT: usize = NORMAL_VALID + 8;
const FLOAT_VALID: usize = FLOAT_NEXT + 4;

/// The MT19937 engine.
#[derive(Clone)]
pub struct Mt19937 {
    seed: u64,
    state: [u32; N],
    /// Words before the next twist, plus one.
    left: u32,
    /// Index of the next word.
    next: u32,
}

impl Mt19937 {
    /// An engine at the start of a seed's stream. Only the low 32 bits of the seed count.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for j in 1..N {
            let previous = state[j - 1];
            state[j] = (previous ^ (previous >> 30)).wrapping_mul(1_812_433_253).wrapping_add(j as u32);
        }
        Mt19937 { seed, state, left: 1, next: 0 }
    }

    /// Words that are left before the state must be twisted.
    #[inline(always)]
    pub(crate) fn ready(&self) -> usize {
        self.left as usize - 1
    }

    /// Makes the next 624 words ready.
    #[inline(always)]
    pub(crate) fn advance(&mut self) {
        twist(&mut self.state);
        self.left = N as u32 + 1;
        self.next = 0;
    }

    /// The next `n` words, not tempered yet. `n` is at most [`Mt19937::ready`].
    #[inline(always)]
    pub(crate) fn take(&mut self, n: usize) -> &[u32] {
        let start = self.next as usize;
        self.left -= n as u32;
        self.next += n as u32;
        &self.state[start..start + n]
    }

    /// The next 32 bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.ready() == 0 {
            self.advance();
        }
        temper(self.take(1)[0])
    }

    /// The next 64 bits: the first word is the high half.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let high = self.next_u32() as u64;
        high << 32 | self.next_u32() as u64
    }

    /// A double in `[0, 1)` of 53 random bits.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() & ((1 << 53) - 1)) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

/// The output function of MT19937.
#[inline(always)]
pub(crate) fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

#[inline(always)]
fn mix(u: u32, v: u32) -> u32 {
    (((u & 0x8000_0000) | (v & 0x7fff_ffff)) >> 1) ^ ((v & 1).wrapping_neg() & 0x9908_b0df)
}

/// Replaces the state by the next one.
///
/// The new words are written beside the old ones in three runs that depend only on words before them,
/// which is what lets the compiler vectorise the loops.
#[inline(always)]
fn twist(state: &mut [u32; N]) {
    const D: usize = N - M;
    let old = *state;
    for i in 0..D {
        state[i] = old[i + M] ^ mix(old[i], old[i + 1]);
    }
    let (first, rest) = state.split_at_mut(D);
    let (second, third) = rest.split_at_mut(D);
    for i in 0..D {
        second[i] = first[i] ^ mix(old[D + i], old[D + i + 1]);
    }
    for i in 0..N - 2 * D - 1 {
        third[i] = second[i] ^ mix(old[2 * D + i], old[2 * D + i + 1]);
    }
    let last = N - 2 * D - 1;
    third[last] = second[last] ^ mix(old[N - 1], first[0]);
}

/// An engine and the second halves of Box-Muller pairs that wait for the next call.
#[derive(Clone)]
pub struct State {
    /// The source of bits.
    pub engine: Mt19937,
    /// The second normal of the last pair drawn one by one.
    pub next_normal: Option<f64>,
    /// The same in single precision: no kernel of ours makes one, but a saved state may hold it.
    next_float_normal: Option<f32>,
}

impl State {
    fn new(seed: u64) -> Self {
        State { engine: Mt19937::new(seed), next_normal: None, next_float_normal: None }
    }

    /// A standard normal, in pairs by Box & Muller 1958 (doi:10.1214/aoms/1177706645).
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.next_normal.take() {
            return z;
        }
        let (u1, u2) = (self.engine.next_f64(), self.engine.next_f64());
        let r = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * std::f64::consts::PI * u1;
        self.next_normal = Some(r * theta.sin());
        r * theta.cos()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let e = &self.engine;
        let mut b = vec![0; STATE_BYTES];
        b[..8].copy_from_slice(&e.seed.to_le_bytes());
        b[LEFT..LEFT + 4].copy_from_slice(&e.left.to_le_bytes());
        b[SEEDED..SEEDED + 4].copy_from_slice(&1u32.to_le_bytes());
        b[NEXT..NEXT + 8].copy_from_slice(&(e.next as u64).to_le_bytes());
        for (slot, &w) in b[STATE..].chunks_exact_mut(8).zip(&e.state) {
            slot.copy_from_slice(&(w as u64).to_le_bytes());
        }
        if let Some(y) = self.next_normal {
            b[NORMAL_Y..NORMAL_Y + 8].copy_from_slice(&y.to_le_bytes());
            b[NORMAL_VALID] = 1;
        }
        if let Some(y) = self.next_float_normal {
            b[FLOAT_NEXT..FLOAT_NEXT + 4].copy_from_slice(&y.to_le_bytes());
            b[FLOAT_VALID] = 1;
        }
        b
    }

    fn from_bytes(b: &[u8]) -> Result<Self> {
        if b.len() != STATE_BYTES {
            fail!(Runtime,
                torch: ("Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be {}", b.len()),
                expected: ("set_state: expected the {STATE_BYTES} bytes of a CPU generator"),
                got: ("{}", b.len()),
                fix: ("Pass what get_state or get_rng_state returned."));
        }
        let u32_at = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        let u64_at = |i: usize| u32_at(i) as u64 | (u32_at(i + 4) as u64) << 32;
        let (left, next) = (u32_at(LEFT), u64_at(NEXT) as u32);
        // A state whose next words lie outside the array would make us read beyond it.
        let valid = u32_at(SEEDED) != 0 && (1..=N as u32).contains(&left) && next as u64 + left as u64 <= N as u64 + 1;
        if !valid {
            fail!(Runtime,
                torch: ("Invalid mt19937 state"),
                expected: ("set_state: expected a seeded generator with its next words inside the state"),
                got: ("seeded {}, {left} left, next {next}", u32_at(SEEDED)),
                fix: ("Pass what get_state or get_rng_state returned."));
        }
        let mut state = [0; N];
        for (i, w) in state.iter_mut().enumerate() {
            *w = u32_at(STATE + 8 * i);
        }
        Ok(State {
            engine: Mt19937 { seed: u64_at(0), state, left, next },
            next_normal: (u32_at(NORMAL_VALID) != 0).then(|| f64::from_bits(u64_at(NORMAL_Y))),
            next_float_normal: (b[FLOAT_VALID] != 0).then(|| f32::from_bits(u32_at(FLOAT_NEXT))),
        })
    }
}

/// A random number generator of a device. Clones are handles to the same stream.
///
/// ```
/// use rustorch::tensor::Generator;
/// let g = Generator::new();
/// g.manual_seed(0);
/// let first = g.random();
/// g.manual_seed(0);
/// assert_eq!(g.random(), first);
/// ```
#[derive(Clone)]
pub struct Generator(Stream);

#[derive(Clone)]
enum Stream {
    /// The default generator of whatever device asks.
    Any,
    Cpu(Arc<Mutex<State>>),
    Gpu(Arc<Mutex<Philox>>),
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Generator {
    /// Are they handles to the same stream?
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Stream::Any, Stream::Any) => true,
            (Stream::Cpu(a), Stream::Cpu(b)) => Arc::ptr_eq(a, b),
            (Stream::Gpu(a), Stream::Gpu(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Generator {
    /// The default generator of the device that a call runs on.
    pub const ANY: &'static Generator = &Generator(Stream::Any);

    /// A generator of the CPU with torch's default seed.
    pub fn new() -> Self {
        Self::with_seed(DEFAULT_SEED)
    }

    /// A generator of the CPU at the start of a seed's stream.
    pub fn with_seed(seed: u64) -> Self {
        watch_forks();
        Generator(Stream::Cpu(Arc::new(Mutex::new(State::new(seed)))))
    }

    /// A generator of the GPU at the start of a seed's stream; it needs no GPU.
    pub fn gpu_with_seed(seed: u64) -> Self {
        watch_forks();
        Generator(Stream::Gpu(Arc::new(Mutex::new(Philox::new(seed)))))
    }

    /// A generator of a device with torch's default seed, or None where there is no such thing.
    pub fn of(device: Device) -> Option<Self> {
        match device {
            Device::Cpu => Some(Self::new()),
            Device::Gpu => Some(Self::gpu_with_seed(DEFAULT_SEED)),
            Device::Meta => None,
        }
    }

    /// The device that draws from it.
    pub fn device(&self) -> Device {
        if let Stream::Gpu(_) = self.0 { Device::Gpu } else { Device::Cpu }
    }

    /// Exclusive use of a stream of the CPU; kernels hold it for the whole of one call. On a stream of the GPU it
    /// unwinds with torch's error.
    ///
    /// A thread uses one stream at a time.
    pub fn lock(&self) -> Use<'_> {
        let stream = match &self.0 {
            Stream::Any => return default_generator().lock(),
            Stream::Cpu(stream) => stream,
            Stream::Gpu(_) => stop(wrong_device("cpu", "gpu")),
        };
        let no_fork = FORKING.read().unwrap_or_else(PoisonError::into_inner);
        Use { state: stream.lock().unwrap_or_else(PoisonError::into_inner), _no_fork: no_fork }
    }

    /// The stream of a generator of the GPU, if it is one.
    fn philox<R>(&self, f: impl FnOnce(&mut Philox) -> R) -> Option<R> {
        let Stream::Gpu(stream) = &self.0 else { return None };
        let _no_fork = FORKING.read().unwrap_or_else(PoisonError::into_inner);
        Some(f(&mut stream.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Takes `blocks` blocks out of a stream of the GPU. On one of the CPU it unwinds with torch's error.
    pub fn draw(&self, blocks: usize) -> Philox {
        let g = if let Stream::Any = self.0 { default_gpu_generator() } else { self };
        g.philox(|p| p.draw(blocks)).unwrap_or_else(|| stop(wrong_device("gpu", "cpu")))
    }

    /// Restarts the stream at a seed and forgets the normals that wait.
    pub fn manual_seed(&self, seed: u64) {
        if self.philox(|p| *p = Philox::new(seed)).is_none() {
            *self.lock() = State::new(seed);
        }
    }

    /// The seed that the stream started from.
    pub fn initial_seed(&self) -> u64 {
        self.philox(|p| p.seed).unwrap_or_else(|| self.lock().engine.seed)
    }

    /// Seeds from the operating system's entropy and returns the seed.
    pub fn seed(&self) -> u64 {
        let seed = entropy();
        self.manual_seed(seed);
        seed
    }

    /// The next 32 bits of a stream of the CPU.
    pub fn random(&self) -> u32 {
        self.lock().engine.next_u32()
    }

    /// The next 64 bits of a stream of the CPU.
    pub fn random64(&self) -> u64 {
        self.lock().engine.next_u64()
    }

    /// The state in torch's layout, [`STATE_BYTES`] long, or 16 on the GPU.
    pub fn get_state(&self) -> Vec<u8> {
        self.philox(|p| p.to_bytes()).unwrap_or_else(|| self.lock().to_bytes())
    }

    /// Continues from a state that [`Generator::get_state`] or torch saved.
    pub fn set_state(&self, bytes: &[u8]) -> Result<()> {
        if let Stream::Gpu(_) = self.0 {
            let state = Philox::from_bytes(bytes)?;
            self.philox(|p| *p = state);
            return Ok(());
        }
        let state = State::from_bytes(bytes)?;
        *self.lock() = state;
        Ok(())
    }

    /// A generator of its own that continues from the same state.
    pub fn clone_state(&self) -> Self {
        if let Some(p) = self.philox(|p| *p) {
            return Generator(Stream::Gpu(Arc::new(Mutex::new(p))));
        }
        let state = self.lock().clone();
        Generator(Stream::Cpu(Arc::new(Mutex::new(state))))
    }
}

/// torch's error for a generator of another device than the tensor's.
#[cold]
fn wrong_device(wanted: &str, found: &str) -> Error {
    three_parts(
        Kind::Runtime,
        Some(format!("Expected a '{wanted}' device type for generator but found '{found}'")),
        format!("generator: expected one of device '{wanted}'"),
        format!("one of '{found}'"),
        format!("Make it with Generator(device='{wanted}')."),
    )
}

/// The generator of calls on the CPU that name none. It starts from entropy.
pub fn default_generator() -> &'static Generator {
    static DEFAULT: OnceLock<Generator> = OnceLock::new();
    DEFAULT.get_or_init(|| Generator::with_seed(entropy()))
}

/// The same for the GPU.
pub fn default_gpu_generator() -> &'static Generator {
    static DEFAULT: OnceLock<Generator> = OnceLock::new();
    DEFAULT.get_or_init(|| Generator::gpu_with_seed(entropy()))
}

/// Held for reading by every use of a stream, and for writing across a fork: a child has no thread that would end a
/// use begun by another one.
static FORKING: RwLock<()> = RwLock::new(());

/// Exclusive use of a stream.
pub struct Use<'a> {
    // Dropped in this order.
    state: MutexGuard<'a, State>,
    _no_fork: RwLockReadGuard<'static, ()>,
}

impl Deref for Use<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Use<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

/// Lets forks wait for the uses of all streams.
fn watch_forks() {
    #[cfg(unix)]
    {
        use std::cell::RefCell;
        use std::sync::RwLockWriteGuard;
        thread_local! { static HELD: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) }; }
        extern "C" fn before() {
            HELD.with(|held| *held.borrow_mut() = Some(FORKING.write().unwrap_or_else(PoisonError::into_inner)));
        }
        extern "C" fn after() {
            HELD.with(|held| *held.borrow_mut() = None);
        }
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the handlers take and release a lock that no thread holds while it forks. A failure (no memory)
            // costs a child safety, not this process.
            unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
        });
    }
}

/// 64 bits of the operating system's entropy, through the keys of std's hash maps.
fn entropy() -> u64 {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Generator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_reference_code() {
        // Output of mt19937ar.c seeded with 5489: the first and the 10000th word (also in C++'s std::mt19937 requirements).
        let mut e = Mt19937::new(5489);
        assert_eq!(e.next_u32(), 3_499_211_612);
        for _ in 1..9_999 {
            e.next_u32();
        }
        assert_eq!(e.next_u32(), 4_123_659_995);
    }

    #[test]
    fn state_round_trips() {
        let g = Generator::with_seed(u64::MAX - 3);
        assert_eq!(g.initial_seed(), u64::MAX - 3);
        for _ in 0..700 {
            g.random();
        }
        g.lock().normal();
        let saved = g.get_state();
        assert_eq!(saved.len(), STATE_BYTES);
        let other = Generator::new();
        assert!(other.set_state(&saved).is_ok());
        assert_eq!(other.get_state(), saved);
        assert_eq!(other.lock().normal().to_bits(), g.lock().normal().to_bits());
        assert_eq!(other.random64(), g.random64());
    }

    #[test]
    fn clones_share_and_copies_do_not() {
        let g = Generator::with_seed(1);
        let (handle, copy) = (g.clone(), g.clone_state());
        assert!(handle == g && copy != g);
        assert_eq!(handle.random(), copy.random());
        assert_ne!(g.random(), Generator::with_seed(1).random());
    }

    #[test]
    fn bad_states_are_refused() {
        let g = Generator::new();
        let good = g.get_state();
        let error = g.set_state(&good[..10]).unwrap_err();
        assert!(error.message().starts_with(
            "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be 10\n"
        ));
        for (at, byte) in [(SEEDED, 0), (LEFT, 0), (NEXT, 255), (LEFT + 3, 255), (LEFT + 1, 3)] {
            let mut bad = good.clone();
            bad[NEXT + 1] = 2;
            bad[at] = byte;
            assert!(g.set_state(&bad).unwrap_err().message().starts_with("Invalid mt19937 state\n"), "{at}");
        }
        assert_eq!(g.get_state(), good);
    }

    #[test]
    fn entropy_differs() {
        let g = Generator::new();
        assert_ne!(g.seed(), g.seed());
        assert_eq!(default_generator().initial_seed(), default_generator().initial_seed());
    }
}
