//! The device: made on first use, replaced by `reset`.

use super::adapter::{self, AdapterInfo};
use super::cache::DiskCache;
use super::fault::Fault;
use super::memory::Pool;
use super::pipeline::Pipelines;
use super::stream::Stream;
use crate::config;
use crate::error::{Error, Kind, Result, three_parts};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// What kernels may use. Each can be masked by `RUSTORCH_GPU_WITHOUT`, so that the ways around it can be tested.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// 16-bit floats in shaders.
    pub f16: bool,
    /// 64-bit integers in shaders.
    pub i64: bool,
    /// Operations between the lanes of a subgroup.
    pub subgroup: bool,
    /// Times that the device takes.
    pub timestamps: bool,
    /// Bytes of parameters that travel with a dispatch; 0: they lie in a buffer.
    pub immediates: u32,
    /// Buffers that a kernel can use.
    pub max_bindings: u32,
    /// Bytes of a buffer that a kernel can use at once.
    pub max_binding: u64,
    /// Bytes of a buffer.
    pub max_buffer: u64,
    /// Workgroups along one axis of a dispatch.
    pub max_groups: u32,
    /// Bytes that offsets of bindings are multiples of.
    pub alignment: u64,
}

/// A GPU that is in use.
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) fault: Arc<Fault>,
    pub(super) pool: Pool,
    pub(super) pipelines: Pipelines,
    stream: Mutex<Stream>,
    caps: Caps,
    info: AdapterInfo,
    /// How often this process was forked from others by the time it started: one forked from it has no use of it.
    forks: u32,
}

/// How many forks lie between this process and one that nobody forked while watching.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Watches forks from now on. Asking the system for the process costs more than most of what a call does.
fn forks() -> u32 {
    #[cfg(unix)]
    {
        static WATCH: std::sync::Once = std::sync::Once::new();
        extern "C" fn forked() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the handler only counts, and lives as long as the process.
        WATCH.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(forked));
        });
    }
    FORKS.load(Ordering::Relaxed)
}

/// The result of a future that is ready: natively, all of wgpu's that are used here are.
pub(super) fn now<T>(f: impl Future<Output = T>) -> T {
    let mut f = pin!(f);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = f.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

impl Gpu {
    fn start() -> Result<Gpu> {
        let adapter = adapter::choose()?;
        let info = AdapterInfo::of(&adapter);
        let without = config::gpu_without();
        let wanted = [
            ("f16", wgpu::Features::SHADER_F16),
            ("i64", wgpu::Features::SHADER_INT64),
            ("subgroup", wgpu::Features::SUBGROUP),
            ("immediates", wgpu::Features::IMMEDIATES),
            ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
            ("cache", wgpu::Features::PIPELINE_CACHE),
        ];
        let usable = |name: &str| !without.iter().any(|w| w == name);
        let features = wanted
            .iter()
            .filter(|(name, f)| usable(name) && adapter.features().contains(*f))
            .fold(wgpu::Features::empty(), |all, (_, f)| all | *f);
        // Without `limits`, those that every device of WebGPU has.
        let mut limits = if usable("limits") { adapter.limits() } else { wgpu::Limits::default() };
        if !features.contains(wgpu::Features::IMMEDIATES) {
            limits.max_immediate_size = 0;
        }
        let desc = wgpu::DeviceDescriptor {
            label: Some("rustorch"),
            required_features: features,
            required_limits: limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let (device, queue) = now(adapter.request_device(&desc)).map_err(|e| refused(&info, &e.to_string()))?;
        let fault = Arc::new(Fault::default());
        let (errors, losses) = (fault.clone(), fault.clone());
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| errors.report(&e)));
        device.set_device_lost_callback(move |reason, text| losses.lose(&format!("{reason:?}: {text}")));
        let caps = Caps {
            f16: features.contains(wgpu::Features::SHADER_F16),
            i64: features.contains(wgpu::Features::SHADER_INT64),
            subgroup: features.contains(wgpu::Features::SUBGROUP),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            immediates: limits.max_immediate_size,
            // Bindings are counted in words.
            max_binding: limits.max_storage_buffer_binding_size & !3,
            max_buffer: limits.max_buffer_size & !3,
            max_groups: limits.max_compute_workgroups_per_dimension,
            max_bindings: limits.max_storage_buffers_per_shader_stage,
            alignment: u64::from(limits.min_storage_buffer_offset_alignment),
        };
        let pool = Pool::new(config::gpu_memory_limit().unwrap_or(u64::MAX));
        let cache = DiskCache::open(&device, &adapter.get_info());
        let pipelines = Pipelines::new(caps, config::gpu_checked(), cache);
        Ok(Gpu {
            device,
            queue,
            fault,
            pool,
            pipelines,
            stream: Mutex::new(Stream::new(config::gpu_fusion())),
            caps,
            info,
            forks: forks(),
        })
    }

    /// What kernels may use.
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// What it is.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// The commands that were recorded and not submitted yet.
    pub(super) fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Is this the process that started it?
    pub(super) fn is_ours(&self) -> bool {
        self.forks == FORKS.load(Ordering::Relaxed)
    }

    /// An error in a process that was forked from the one that started it.
    pub(super) fn check_process(&self) -> Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        Err(three_parts(
            Kind::Runtime,
            None,
            "gpu: expected the process that first used the GPU".to_owned(),
            "one forked from it, which drivers do not allow".to_owned(),
            "Start processes by 'spawn', or use the GPU in the children alone.".to_owned(),
        ))
    }

    /// Waits until all work is done; what failed meanwhile is an error here.
    pub fn synchronize(&self) -> Result<()> {
        self.check_process()?;
        self.stream().finish(self)
    }

    /// Loses the device on purpose, for tests.
    pub fn destroy(&self) {
        self.device.destroy();
        self.fault.lose("destroyed on purpose");
    }
}

#[cold]
fn refused(info: &AdapterInfo, text: &str) -> Error {
    three_parts(
        Kind::Runtime,
        None,
        format!("gpu: expected {} to give a device", info.name),
        format!("'{text}'"),
        "Close programs that use it, update its driver, or choose another by RUSTORCH_GPU_ADAPTER.".to_owned(),
    )
}

static CURRENT: Mutex<Option<Arc<Gpu>>> = Mutex::new(None);

/// The GPU in use, started by the first call.
pub fn gpu() -> Result<Arc<Gpu>> {
    let mut current = CURRENT.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(gpu) = &*current {
        gpu.check_process()?;
        return Ok(gpu.clone());
    }
    // A failure is not kept: the next call may find a driver.
    let gpu = Arc::new(Gpu::start()?);
    *current = Some(gpu.clone());
    Ok(gpu)
}

/// Is there a GPU that works?
pub fn is_available() -> bool {
    gpu().is_ok_and(|g| !g.fault.is_lost())
}

/// Gives the GPU up, so that the next use starts it again. Tensors on it keep the old one and cannot meet new ones.
pub fn reset() {
    let old = CURRENT.lock().unwrap_or_else(|e| e.into_inner()).take();
    drop(old);
}
