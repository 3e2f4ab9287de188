//! Compiled pipelines on disk: what a driver compiled in one process is at hand in the next.
//!
//! A file that is damaged, of another driver or of another version is as good as none.

use crate::config;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What files begin with; the version of this layout is in it.
const MAGIC: &[u8; 8] = b"rustgpu1";
/// Larger files are not read.
const LARGEST: u64 = 256 << 20;
/// Of the time that passes, this part may go to writing.
const SHARE: u32 = 20;

/// A device's pipelines, and the file that they are kept in.
pub(super) struct DiskCache {
    path: PathBuf,
    pub cache: wgpu::PipelineCache,
    state: Mutex<State>,
}

struct State {
    changed: bool,
    next: Instant,
}

/// FNV-1a over 64 bits: it tells damage, not malice. Who may write there may run programs of that user anyway.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn read(path: &PathBuf) -> Option<Vec<u8>> {
    if std::fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    let (magic, rest) = bytes.split_at_checked(MAGIC.len())?;
    let (sum, data) = rest.split_first_chunk::<8>()?;
    (magic == MAGIC && u64::from_le_bytes(*sum) == checksum(data)).then(|| data.to_vec())
}

impl DiskCache {
    /// The cache of an adapter; None where there is no folder for it, or the driver has no use of it.
    pub fn open(device: &wgpu::Device, info: &wgpu::AdapterInfo) -> Option<DiskCache> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(info)?;
        let driver = checksum(format!("{} {} {}", info.name, info.driver, info.driver_info).as_bytes());
        let name = format!("{key}_{driver:016x}_{}.bin", env!("CARGO_PKG_VERSION"));
        let path = config::cache_folder()?.join(name);
        let data = read(&path);
        let desc = wgpu::PipelineCacheDescriptor { label: Some("rustorch"), data: data.as_deref(), fallback: true };
        // SAFETY: the data is what `get_data` gave for this adapter, driver and version: its checksum says so.
        let cache = unsafe { device.create_pipeline_cache(&desc) };
        Some(DiskCache { path, cache, state: Mutex::new(State { changed: false, next: Instant::now() }) })
    }

    /// A pipeline was added.
    pub fn change(&self) {
        self.state.lock().unwrap_or_else(|e| e.into_inner()).changed = true;
    }

    /// Writes the file if there is something new, and not too often. Failures leave the old one: it is only a cache.
    pub fn save(&self) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if !state.changed || Instant::now() < state.next {
            return;
        }
        let start = Instant::now();
        state.changed = false;
        if let Some(data) = self.cache.get_data() {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&checksum(&data).to_le_bytes());
            bytes.extend_from_slice(&data);
            // Another process may write it at the same time: the file appears whole.
            let part = self.path.with_extension(format!("{}.part", std::process::id()));
            let folder = self.path.parent().map(std::fs::create_dir_all);
            if matches!(folder, Some(Ok(()))) && std::fs::write(&part, &bytes).is_ok() {
                let _ = std::fs::rename(&part, &self.path);
            }
        }
        state.next = Instant::now() + (start.elapsed() * SHARE).min(Duration::from_mins(1));
    }
}
