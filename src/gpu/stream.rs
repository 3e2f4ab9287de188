//! The one in-order stream of commands of a device.
//!
//! Commands are recorded into an open encoder and submitted in batches: submitting costs tens of times what recording
//! does, but a GPU that waits does nothing. Uploads are commands like others, in their order. (`Queue::write_buffer` is
//! not: it runs before everything that is submitted with it.)

use super::context::Gpu;
use super::fault::{Check, out_of_memory};
use super::fuse::{Group, Waiting};
use super::memory::{Block, Raw};
use super::pipeline::Pipeline;
use super::profile::{Profile, Timing};
use crate::error::Result;
use smallvec::{SmallVec, smallvec};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

/// A part of a buffer that a kernel reads or writes, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    buffer: &'a wgpu::Buffer,
    id: u64,
    offset: u64,
    size: u64,
}

impl<'a> Binding<'a> {
    /// The word of checks: number 0, since buffers of tensors count from 1.
    pub fn found(buffer: &'a wgpu::Buffer) -> Self {
        Binding { buffer, id: 0, offset: 0, size: 4 }
    }

    /// All that a tensor's memory holds.
    pub fn whole(block: &'a Block) -> Self {
        Binding::of(&block.raw, block.nbytes())
    }

    /// The first bytes of a buffer.
    pub fn of(raw: &'a Raw, nbytes: u64) -> Self {
        Binding::window(raw, 0, nbytes)
    }

    /// Bytes from `offset` on, a multiple of the device's alignment.
    pub fn window(raw: &'a Raw, offset: u64, nbytes: u64) -> Self {
        // Of an empty tensor room for an element of any type: the pool gives no smaller buffers.
        let size = if nbytes == 0 { 16 } else { nbytes.next_multiple_of(4) };
        Binding { buffer: &raw.buffer, id: raw.id, offset, size }
    }
}

/// Bindings that were used together before: making a group of them costs more than looking it up. Buffers come back from
/// the pool in the same order in every step of a training loop.
type Groups = HashMap<SmallVec<[u64; 12]>, wgpu::BindGroup, BuildHasherDefault<Fold>>;

/// A hash of few words, each of which is a count or a size.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|w| self.write_u64(u64::from_ne_bytes(*w)));
        rest.iter().for_each(|&b| self.write_u64(u64::from(b)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// Groups that are kept: as many as a large model has calls in a step.
const KEPT_GROUPS: usize = 8192;

/// Recorded commands, and those that the device has not finished.
#[derive(Default)]
pub(super) struct Stream {
    // Before the encoder: a pass ends when it is dropped.
    pass: Option<wgpu::ComputePass<'static>>,
    encoder: Option<wgpu::CommandEncoder>,
    /// Commands in the encoder, and bytes that uploads hold until they are done.
    recorded: usize,
    uploading: u64,
    /// How many commands the next submission waits for: few at first, so that the device starts early.
    batch: usize,
    in_flight: VecDeque<wgpu::SubmissionIndex>,
    groups: Groups,
    /// A word in which kernels leave what was wrong with their data, and whether one may have since it was read.
    found: Option<wgpu::Buffer>,
    watched: bool,
    /// What small results are read from.
    readback: Option<wgpu::Buffer>,
    /// Calls of kernels with what they read, while somebody wants them.
    captured: Option<Vec<Captured>>,
    /// Pointwise calls that wait for others to be fused with, if that is wanted.
    pub(super) group: Group,
    /// A product before them that waits for an activation.
    pub(super) product: Option<Waiting>,
    pub(super) fusing: bool,
    /// Times of calls, while somebody wants them.
    profile: Option<Profile>,
}

/// A call of a kernel, for those who run it again with other host code.
pub struct Captured {
    /// The kernel.
    pub kernel: &'static str,
    /// Its whole source.
    pub source: String,
    /// Its bindings: a number for each buffer, whether it is written, and its bytes before the call.
    pub bindings: Vec<(u64, bool, Vec<u8>)>,
    /// The parameters; in a buffer behind the bindings, unless the source has them as immediates.
    pub params: Vec<u32>,
    /// Workgroups along x, y and z.
    pub groups: [u32; 3],
}

const FIRST_BATCH: usize = 8;
const LAST_BATCH: usize = 64;
/// Submissions on their way before recording waits for the oldest.
const MOST_IN_FLIGHT: usize = 8;
/// Bytes of pending uploads that are submitted at once.
const MOST_UPLOADING: u64 = 64 << 20;
/// Bytes of the staging buffer that is kept.
const READBACK: u64 = 64 << 10;

impl Stream {
    pub fn new(fusing: bool) -> Self {
        Stream { fusing, ..Stream::default() }
    }

    fn encoder(&mut self, gpu: &Gpu) -> &mut wgpu::CommandEncoder {
        self.pass = None;
        self.encoder
            .get_or_insert_with(|| gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()))
    }

    fn pass(&mut self, gpu: &Gpu) -> &mut wgpu::ComputePass<'static> {
        let pass = match self.pass.take() {
            Some(open) => open,
            None => self.encoder(gpu).begin_compute_pass(&wgpu::ComputePassDescriptor::default()).forget_lifetime(),
        };
        self.pass.insert(pass)
    }

    /// Records a kernel on `bindings`, over a grid of two dims; `params` are words.
    pub fn dispatch(
        &mut self,
        gpu: &Gpu,
        kernel: &Pipeline,
        bindings: &[Binding],
        params: &[u32],
        groups: (u32, u32),
    ) -> Result<()> {
        self.dispatch3(gpu, kernel, bindings, params, (groups.0, groups.1, 1))
    }

    /// The same over a grid of three dims.
    pub fn dispatch3(
        &mut self,
        gpu: &Gpu,
        kernel: &Pipeline,
        bindings: &[Binding],
        params: &[u32],
        groups: (u32, u32, u32),
    ) -> Result<()> {
        self.run_group(gpu)?;
        let mut bytes: SmallVec<[u8; 192]> = SmallVec::new();
        params.iter().for_each(|w| bytes.extend_from_slice(&w.to_ne_bytes()));
        let group = if kernel.immediate || params.is_empty() {
            let mut key: SmallVec<[u64; 12]> = smallvec![kernel.layout.id];
            bindings.iter().for_each(|b| key.extend([b.id, b.offset, b.size]));
            if self.groups.len() >= KEPT_GROUPS {
                self.groups.clear();
            }
            self.groups.entry(key).or_insert_with(|| bind(gpu, kernel, bindings, None)).clone()
        } else {
            bind(gpu, kernel, bindings, Some(&gpu.pipelines.params(&gpu.device, &bytes)))
        };
        if self.captured.is_some() {
            let watched = self.watched;
            self.capture(gpu, kernel, bindings, params, groups)?;
            self.watched = watched;
        }
        if self.profile.is_some() {
            return self.timed(gpu, kernel, &group, &bytes, groups);
        }
        record(self.pass(gpu), kernel, &group, &bytes, groups);
        self.count(gpu)
    }

    /// Runs a call by itself and takes its time.
    #[cold]
    fn timed(
        &mut self,
        gpu: &Gpu,
        kernel: &Pipeline,
        group: &wgpu::BindGroup,
        params: &[u8],
        groups: (u32, u32, u32),
    ) -> Result<()> {
        let Some(mut profile) = self.profile.take() else { return Ok(()) };
        let by_host = profile.by_host();
        if by_host {
            self.wait(gpu)?;
        }
        let start = Instant::now();
        let timestamp_writes = profile.begin(kernel.name);
        let desc = wgpu::ComputePassDescriptor { label: Some(kernel.name), timestamp_writes };
        let mut pass = self.encoder(gpu).begin_compute_pass(&desc);
        record(&mut pass, kernel, group, params, groups);
        drop(pass);
        if by_host {
            self.wait(gpu)?;
            profile.done.push(Timing { kernel: kernel.name, nanoseconds: start.elapsed().as_nanos() as f64 });
        }
        let full = profile.is_full();
        self.profile = Some(profile);
        if full {
            self.read_profile(gpu)?;
        }
        self.count(gpu)
    }

    fn read_profile(&mut self, gpu: &Gpu) -> Result<()> {
        let Some(mut profile) = self.profile.take() else { return Ok(()) };
        if let Some((buffer, nbytes)) = profile.resolve(self.encoder(gpu)) {
            let mut bytes = vec![0; nbytes];
            let done = self.read(gpu, Some(&buffer), &mut bytes);
            profile.take(&bytes, gpu);
            self.profile = Some(profile);
            return done;
        }
        self.profile = Some(profile);
        Ok(())
    }

    /// Begins to take the time of calls, or gives the times that were taken and ends.
    pub fn set_profile(&mut self, gpu: &Gpu, on: bool) -> Result<Vec<Timing>> {
        self.run_group(gpu)?;
        self.read_profile(gpu)?;
        let done = self.profile.take().map_or(Vec::new(), |p| p.done);
        self.profile = on.then(|| Profile::new(gpu));
        Ok(done)
    }

    /// Turns fusion on or off, and says what it was.
    pub fn set_fusion(&mut self, gpu: &Gpu, on: bool) -> Result<bool> {
        self.run_group(gpu)?;
        Ok(std::mem::replace(&mut self.fusing, on))
    }

    /// Begins to keep calls, or gives those that were kept and ends.
    pub fn set_capture(&mut self, gpu: &Gpu, on: bool) -> Result<Vec<Captured>> {
        self.run_group(gpu)?;
        Ok(std::mem::replace(&mut self.captured, on.then(Vec::new)).unwrap_or_default())
    }

    #[cold]
    fn capture(
        &mut self,
        gpu: &Gpu,
        kernel: &Pipeline,
        bindings: &[Binding],
        params: &[u32],
        groups: (u32, u32, u32),
    ) -> Result<()> {
        let mut all = Vec::new();
        for (b, &written) in bindings.iter().zip(&kernel.layout.writes) {
            let mut bytes = vec![0; b.size as usize];
            self.read(gpu, Some(b.buffer), &mut bytes)?;
            all.push((b.id, written, bytes));
        }
        if let Some(calls) = &mut self.captured {
            calls.push(Captured {
                kernel: kernel.name,
                source: kernel.source.clone(),
                bindings: all,
                params: params.to_vec(),
                groups: [groups.0, groups.1, groups.2],
            });
        }
        Ok(())
    }

    /// Copies bytes into a buffer.
    pub fn upload(&mut self, gpu: &Gpu, bytes: &[u8], to: &Block) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let size = (bytes.len() as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        self.run_group(gpu)?;
        let staging = staging(gpu, size, wgpu::BufferUsages::COPY_SRC, true)?;
        match staging.get_mapped_range_mut(..) {
            Ok(mut view) => view.slice(..bytes.len()).copy_from_slice(bytes),
            Err(_) => return Err(out_of_memory("upload", size, "a refusal by the driver")),
        }
        staging.unmap();
        self.encoder(gpu).copy_buffer_to_buffer(&staging, 0, &to.raw.buffer, 0, size);
        self.uploading += size;
        self.count(gpu)
    }

    /// Copies all of a buffer into another.
    pub fn copy(&mut self, gpu: &Gpu, from: &Block, to: &Block) -> Result<()> {
        self.run_group(gpu)?;
        let size = from.raw.buffer.size().min(to.raw.buffer.size());
        self.encoder(gpu).copy_buffer_to_buffer(&from.raw.buffer, 0, &to.raw.buffer, 0, size);
        self.count(gpu)
    }

    /// The word in which a kernel leaves that its data failed a check.
    pub fn watch(&mut self, gpu: &Gpu) -> Result<wgpu::Buffer> {
        self.watched = true;
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        // The driver makes it 0.
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let desc = wgpu::BufferDescriptor { label: Some("found"), size: 4, usage, mapped_at_creation: false };
        let found = gpu.device.create_buffer(&desc);
        gpu.fault.check("gpu")?;
        self.found = Some(found.clone());
        Ok(found)
    }

    /// Copies the first bytes of a buffer out, once everything before is done.
    pub fn download(&mut self, gpu: &Gpu, from: &Block, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return gpu.fault.check("download");
        }
        self.read(gpu, Some(&from.raw.buffer), bytes)
    }

    /// Waits for everything; what kernels found wrong with their data is an error here.
    pub fn finish(&mut self, gpu: &Gpu) -> Result<()> {
        if self.watched { self.read(gpu, None, &mut []) } else { self.wait(gpu) }
    }

    /// Reads from a buffer, and behind that the word of checks.
    fn read(&mut self, gpu: &Gpu, from: Option<&wgpu::Buffer>, bytes: &mut [u8]) -> Result<()> {
        self.run_group(gpu)?;
        let size = (bytes.len() as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let small = size + 4 <= READBACK;
        let staging = match self.readback.take() {
            Some(kept) if small => kept,
            _ => staging(gpu, if small { READBACK } else { size + 4 }, usage, false)?,
        };
        if let Some(from) = from {
            self.encoder(gpu).copy_buffer_to_buffer(from, 0, &staging, 0, size);
        }
        let watched = self.watched;
        if let Some(found) = self.found.clone().filter(|_| watched) {
            self.encoder(gpu).copy_buffer_to_buffer(&found, 0, &staging, size, 4);
            self.encoder(gpu).clear_buffer(&found, 0, None);
        }
        self.watched = false;
        self.submit(gpu);
        // A failure shows where the range is asked for.
        staging.map_async(wgpu::MapMode::Read, ..size + 4, |_| {});
        self.wait(gpu)?;
        let code = match staging.get_mapped_range(..size + 4) {
            Ok(view) => {
                bytes.copy_from_slice(&view[..bytes.len()]);
                let at = size as usize;
                if watched { u32::from_ne_bytes([view[at], view[at + 1], view[at + 2], view[at + 3]]) } else { 0 }
            }
            Err(e) => {
                gpu.fault.lose(&format!("memory could not be read: {e}"));
                return gpu.fault.check("download");
            }
        };
        if small {
            staging.unmap();
            self.readback = Some(staging);
        }
        if code == 0 { Ok(()) } else { Err(Check::error(code)) }
    }

    /// Lets go of buffers that were used together, so that their memory can be given back.
    pub fn forget_groups(&mut self) {
        self.groups.clear();
    }

    fn count(&mut self, gpu: &Gpu) -> Result<()> {
        self.recorded += 1;
        if self.recorded >= self.batch.max(FIRST_BATCH) || self.uploading >= MOST_UPLOADING {
            self.batch = (self.batch.max(FIRST_BATCH) * 2).min(LAST_BATCH);
            self.submit(gpu);
            if self.in_flight.len() > MOST_IN_FLIGHT {
                let oldest = self.in_flight.pop_front();
                poll(gpu, oldest);
            }
        }
        gpu.fault.check("gpu")
    }

    fn submit(&mut self, gpu: &Gpu) {
        self.pass = None;
        if let Some(encoder) = self.encoder.take() {
            self.in_flight.push_back(gpu.queue.submit([encoder.finish()]));
        }
        (self.recorded, self.uploading) = (0, 0);
    }

    /// Submits what was recorded and waits for all of it.
    pub fn wait(&mut self, gpu: &Gpu) -> Result<()> {
        self.run_group(gpu)?;
        self.submit(gpu);
        self.batch = FIRST_BATCH;
        self.in_flight.clear();
        poll(gpu, None);
        gpu.pipelines.save();
        gpu.fault.check("gpu")
    }
}

fn record(
    pass: &mut wgpu::ComputePass,
    kernel: &Pipeline,
    group: &wgpu::BindGroup,
    params: &[u8],
    groups: (u32, u32, u32),
) {
    pass.set_pipeline(&kernel.compiled);
    pass.set_bind_group(0, group, &[]);
    if kernel.immediate {
        pass.set_immediates(0, params);
    }
    pass.dispatch_workgroups(groups.0, groups.1, groups.2);
}

fn bind(gpu: &Gpu, kernel: &Pipeline, bindings: &[Binding], params: Option<&wgpu::Buffer>) -> wgpu::BindGroup {
    let buffers = bindings
        .iter()
        .map(|b| wgpu::BufferBinding { buffer: b.buffer, offset: b.offset, size: std::num::NonZero::new(b.size) })
        .chain(params.map(wgpu::Buffer::as_entire_buffer_binding));
    let entries: SmallVec<[wgpu::BindGroupEntry; 8]> = buffers
        .enumerate()
        .map(|(i, b)| wgpu::BindGroupEntry { binding: i as u32, resource: wgpu::BindingResource::Buffer(b) })
        .collect();
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(kernel.name),
        layout: &kernel.layout.made,
        entries: &entries,
    })
}

fn poll(gpu: &Gpu, until: Option<wgpu::SubmissionIndex>) {
    let wait = wgpu::PollType::Wait { submission_index: until, timeout: None };
    // wgpu panics where a driver loses the device while it is waited for.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gpu.device.poll(wait))) {
        Ok(Ok(_)) => {}
        Ok(Err(e)) => gpu.fault.lose(&e.to_string()),
        Err(_) => gpu.fault.lose("the driver lost it"),
    }
}

fn staging(gpu: &Gpu, size: u64, usage: wgpu::BufferUsages, mapped: bool) -> Result<wgpu::Buffer> {
    gpu.fault.check("gpu")?;
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let desc = wgpu::BufferDescriptor { label: Some("staging"), size, usage, mapped_at_creation: mapped };
    let buffer = gpu.device.create_buffer(&desc);
    if super::context::now(scope.pop()).is_some() {
        return Err(out_of_memory("staging", size, "a refusal by the driver"));
    }
    gpu.fault.check("gpu")?;
    Ok(buffer)
}
