//! The one in-order stream of commands of a device.
//!
//! Commands are recorded into an open encoder and submitted in batches: submitting costs tens of times what recording
//! does, but a GPU that waits does nothing. Uploads are commands like others, in their order. (`Queue::write_buffer` is
//! not: it runs before everything that is submitted with it.)

use super::context::Gpu;
use super::fault::out_of_memory;
use super::memory::Block;
use super::pipeline::Pipeline;
use crate::error::Result;
use std::collections::VecDeque;

/// A part of a buffer that a kernel reads or writes, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    pub block: &'a Block,
    pub offset: u64,
    pub size: u64,
}

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
}

const FIRST_BATCH: usize = 8;
const LAST_BATCH: usize = 64;
/// Submissions on their way before recording waits for the oldest.
const MOST_IN_FLIGHT: usize = 8;
/// Bytes of pending uploads that are submitted at once.
const MOST_UPLOADING: u64 = 64 << 20;

impl Stream {
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
        let bytes: Vec<u8> = params.iter().flat_map(|w| w.to_ne_bytes()).collect();
        let in_buffer = (!kernel.immediate).then(|| gpu.pipelines.params(&gpu.device, &bytes));
        let buffers = bindings
            .iter()
            .map(|b| wgpu::BufferBinding {
                buffer: &b.block.buffer,
                offset: b.offset,
                size: std::num::NonZero::new(b.size),
            })
            .chain(in_buffer.iter().map(wgpu::Buffer::as_entire_buffer_binding));
        let entries: Vec<wgpu::BindGroupEntry> = buffers
            .enumerate()
            .map(|(i, b)| wgpu::BindGroupEntry { binding: i as u32, resource: wgpu::BindingResource::Buffer(b) })
            .collect();
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name),
            layout: &kernel.layout,
            entries: &entries,
        });
        let pass = self.pass(gpu);
        pass.set_pipeline(&kernel.compiled);
        pass.set_bind_group(0, &group, &[]);
        if kernel.immediate {
            pass.set_immediates(0, &bytes);
        }
        pass.dispatch_workgroups(groups.0, groups.1, groups.2);
        self.count(gpu)
    }

    /// Copies bytes into a buffer.
    pub fn upload(&mut self, gpu: &Gpu, bytes: &[u8], to: &Block) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let size = (bytes.len() as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        let staging = staging(gpu, size, wgpu::BufferUsages::COPY_SRC, true)?;
        match staging.get_mapped_range_mut(..) {
            Ok(mut view) => view.slice(..bytes.len()).copy_from_slice(bytes),
            Err(_) => return Err(out_of_memory("upload", size, "a refusal by the driver")),
        }
        staging.unmap();
        self.encoder(gpu).copy_buffer_to_buffer(&staging, 0, &to.buffer, 0, size);
        self.uploading += size;
        self.count(gpu)
    }

    /// Copies the first bytes of a buffer out, once everything before is done.
    pub fn download(&mut self, gpu: &Gpu, from: &Block, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return gpu.fault.check("download");
        }
        let size = (bytes.len() as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
        let staging = staging(gpu, size, wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ, false)?;
        self.encoder(gpu).copy_buffer_to_buffer(&from.buffer, 0, &staging, 0, size);
        self.submit(gpu);
        // A failure shows where the range is asked for.
        staging.map_async(wgpu::MapMode::Read, .., |_| {});
        self.wait(gpu)?;
        match staging.get_mapped_range(..) {
            Ok(view) => bytes.copy_from_slice(&view[..bytes.len()]),
            Err(e) => {
                gpu.fault.lose(&format!("memory could not be read: {e}"));
                return gpu.fault.check("download");
            }
        }
        Ok(())
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
        self.submit(gpu);
        self.batch = FIRST_BATCH;
        self.in_flight.clear();
        poll(gpu, None);
        gpu.fault.check("gpu")
    }
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
