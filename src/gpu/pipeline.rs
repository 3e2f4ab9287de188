//! Shaders: assembled from the files in `shaders/`, compiled on first use, kept by kernel and specialisation.
//!
//! A small preprocessor reads the lines `#include`, `#if NAME`, `#else` and `#endif`, and puts values in the
//! place of `$NAME`. `$BINDING` is the next binding, `$PARAMS` the place of the parameters. A name that nobody defined is a bug, found by the tests that assemble every kernel.

use super::cache::DiskCache;
use super::context::{Caps, Gpu};
use super::custom::Custom;
use crate::error::{Error, Kind, Result};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

macro_rules! files {
    ($($name:literal)+) => {
        /// The shader files by name.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../shaders/", $name)))),+];
    };
}
files! {
    "lib/bounds.wgsl" "lib/dtype.wgsl" "lib/float.wgsl" "lib/functions.wgsl" "lib/grid.wgsl" "lib/group.wgsl"
    "lib/int64.wgsl" "lib/lines.wgsl" "lib/main.wgsl" "lib/math.wgsl" "lib/order.wgsl" "lib/philox.wgsl"
    "lib/product.wgsl" "lib/special.wgsl" "lib/targets.wgsl"
    "arg_reduce.wgsl" "attention.wgsl" "attention_dots.wgsl" "batch_norm.wgsl" "conv.wgsl" "conv_weight.wgsl"
    "cross_entropy.wgsl" "ctc.wgsl" "distance.wgsl" "dropout.wgsl" "embedding_bag.wgsl" "fused.wgsl" "gather.wgsl"
    "histogram.wgsl" "keys.wgsl" "logsumexp.wgsl" "mask.wgsl" "matmul.wgsl" "matmul_large.wgsl" "matmul_parts.wgsl"
    "matmul_skinny.wgsl" "matmul_whole.wgsl" "moments.wgsl" "multinomial.wgsl" "nll.wgsl" "norm.wgsl" "norm_sums.wgsl"
    "optim.wgsl" "pointwise.wgsl" "pool.wgsl" "radix.wgsl" "radix_places.wgsl" "random.wgsl" "rank.wgsl" "ranked.wgsl"
    "recurrent.wgsl" "reduce.wgsl" "rejection.wgsl" "resample.wgsl" "scan.wgsl" "scatter.wgsl" "search.wgsl"
    "softmax.wgsl" "sort.wgsl" "triangle.wgsl" "unique.wgsl" "whole.wgsl"
}

/// The kernels that there are shaders for.
pub fn kernels() -> Vec<&'static str> {
    FILES
        .iter()
        .filter(|(name, _)| !name.starts_with("lib/"))
        .filter_map(|(name, _)| name.strip_suffix(".wgsl"))
        .collect()
}

/// What a specialisation defines: a value, or an empty one for a switch.
pub(super) type Defs<'a> = &'a [(&'a str, String)];

/// A compiled kernel.
pub(super) struct Pipeline {
    pub name: &'static str,
    /// For those who run it elsewhere, see `Captured`.
    pub source: String,
    pub compiled: wgpu::ComputePipeline,
    pub layout: Layout,
    /// Do parameters travel with the dispatch? Else they lie in the last binding.
    pub immediate: bool,
}

/// How bindings are used, and a number that no other way of using them has.
#[derive(Clone)]
pub(super) struct Layout {
    pub made: wgpu::BindGroupLayout,
    pub id: u64,
    /// Of each binding: is it written?
    pub writes: Vec<bool>,
}

/// Where the parameters of a kernel lie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// There are none.
    Nowhere,
    /// They travel with the dispatch.
    Immediate,
    /// In a buffer behind the bindings.
    Storage,
    /// The same of the kind that is counted by itself, where the kernel has all the others that it may. Such parameters
    /// are numbers: a struct among them would have to begin at a multiple of 16 bytes.
    Uniform,
}

impl Place {
    /// The declaration in WGSL, behind so many bindings.
    fn wgsl(self, bindings: usize) -> String {
        match self {
            Place::Nowhere | Place::Immediate => "var<immediate>".to_owned(),
            Place::Storage => format!("@group(0) @binding({bindings}) var<storage, read>"),
            Place::Uniform => format!("@group(0) @binding({bindings}) var<uniform>"),
        }
    }

    /// The kind of the buffer, if there is one.
    fn buffer(self) -> Option<wgpu::BufferBindingType> {
        match self {
            Place::Nowhere | Place::Immediate => None,
            Place::Storage => Some(wgpu::BufferBindingType::Storage { read_only: true }),
            Place::Uniform => Some(wgpu::BufferBindingType::Uniform),
        }
    }
}

/// Which kernel, and a number for each choice that its specialisation makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub kernel: &'static str,
    pub choices: [u64; 3],
}

/// A device's compiled kernels and parameters.
pub(super) struct Pipelines {
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
    /// Users' kernels by source and entry.
    custom: Mutex<HashMap<String, Arc<Pipeline>>>,
    params: Mutex<HashMap<Box<[u8]>, wgpu::Buffer>>,
    /// Layouts by the kinds of their bindings.
    layouts: Mutex<HashMap<Vec<wgpu::BufferBindingType>, Layout>>,
    caps: Caps,
    checked: bool,
    disk: Option<DiskCache>,
}

/// Parameter buffers that are kept: as many as a model has kinds of calls.
const KEPT_PARAMS: usize = 4096;

/// Workgroup size of kernels that have no reason for another.
pub(super) const GROUP: u32 = 256;

impl Pipelines {
    pub fn new(caps: Caps, checked: bool, disk: Option<DiskCache>) -> Self {
        Pipelines {
            made: Mutex::default(),
            custom: Mutex::default(),
            params: Mutex::default(),
            layouts: Mutex::default(),
            caps,
            checked,
            disk,
        }
    }

    /// Keeps what was compiled for later processes.
    pub fn save(&self) {
        self.disk.iter().for_each(DiskCache::save);
    }

    /// The kernel of a key; `defs` is asked where it is not compiled yet. `writes` says of each binding whether it is written.
    pub fn get(
        &self,
        gpu: &Gpu,
        key: Key,
        writes: &[bool],
        params: usize,
        defs: impl FnOnce() -> Vec<(&'static str, String)>,
    ) -> Result<Arc<Pipeline>> {
        if let Some(p) = lock(&self.made).get(&key) {
            return Ok(p.clone());
        }
        let p = Arc::new(self.compile(gpu, key.kernel, &defs(), writes, params)?);
        lock(&self.made).insert(key, p.clone());
        Ok(p)
    }

    /// A user's kernel.
    pub fn custom(&self, gpu: &Gpu, k: &Custom, writes: &[bool]) -> Result<Arc<Pipeline>> {
        let id = custom_id(k, writes);
        if let Some(p) = lock(&self.custom).get(&id) {
            return Ok(p.clone());
        }
        let place = self.place(k.params.len(), writes).wgsl(writes.len());
        let head = if k.params.is_empty() {
            String::new()
        } else {
            format!("struct Params {{\n{}}}\n{place} params: Params;\n", k.fields)
        };
        let source = format!("{head}{}", k.source);
        let p = Arc::new(self.build(gpu, ("custom", k.entry), source, writes, k.params.len(), true)?);
        lock(&self.custom).insert(id, p.clone());
        Ok(p)
    }

    /// Lets go of a user's kernel, one that failed.
    pub fn forget(&self, k: &Custom) {
        let writes: Vec<bool> = k.args.iter().map(|(_, w)| *w).collect();
        lock(&self.custom).remove(&custom_id(k, &writes));
    }

    /// Where parameters lie.
    fn place(&self, params: usize, writes: &[bool]) -> Place {
        match params {
            0 => Place::Nowhere,
            _ if params * 4 <= self.caps.immediates as usize => Place::Immediate,
            _ if writes.len() < self.caps.max_bindings as usize => Place::Storage,
            _ => Place::Uniform,
        }
    }

    fn compile(&self, gpu: &Gpu, name: &'static str, defs: Defs, writes: &[bool], params: usize) -> Result<Pipeline> {
        let mut defs = defs.to_vec();
        defs.push(("PARAMS", self.place(params, writes).wgsl(writes.len())));
        defs.push(("GROUP", GROUP.to_string()));
        if defs.iter().any(|(_, text)| calls_special(text)) {
            defs.push(("SPECIAL", String::new()));
        }
        let source = assemble(name, &defs)?;
        self.build(gpu, (name, "main"), source, writes, params, self.checked)
    }

    fn build(
        &self,
        gpu: &Gpu,
        (name, entry): (&'static str, &str),
        source: String,
        writes: &[bool],
        params: usize,
        checked: bool,
    ) -> Result<Pipeline> {
        let place = self.place(params, writes);
        let immediate = place == Place::Immediate;
        let desc = wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(source.as_str().into()),
        };
        let module = if checked {
            gpu.device.create_shader_module(desc)
        } else {
            // SAFETY: our own kernels guard their indices, and their loops end.
            unsafe { gpu.device.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) }
        };
        let layout = self.layout(&gpu.device, writes, place);
        let outline = gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&layout.made)],
            immediate_size: if immediate { params as u32 * 4 } else { 0 },
        });
        let compiled = gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&outline),
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[],
                zero_initialize_workgroup_memory: checked,
            },
            cache: self.disk.as_ref().map(|d| &d.cache),
        });
        self.disk.iter().for_each(DiskCache::change);
        gpu.fault.check(name)?;
        Ok(Pipeline { name, source, compiled, layout, immediate })
    }

    fn layout(&self, device: &wgpu::Device, writes: &[bool], place: Place) -> Layout {
        let mut layouts = lock(&self.layouts);
        let tensors = writes.iter().map(|&written| wgpu::BufferBindingType::Storage { read_only: !written });
        let kinds: Vec<wgpu::BufferBindingType> = tensors.chain(place.buffer()).collect();
        if let Some(layout) = layouts.get(&kinds) {
            return layout.clone();
        }
        let entries: Vec<wgpu::BindGroupLayoutEntry> = kinds
            .iter()
            .enumerate()
            .map(|(i, &ty)| wgpu::BindGroupLayoutEntry {
                binding: i as u32,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            })
            .collect();
        let desc = wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries };
        let writes = kinds.iter().map(|&k| k == wgpu::BufferBindingType::Storage { read_only: false }).collect();
        let layout = Layout { made: device.create_bind_group_layout(&desc), id: layouts.len() as u64, writes };
        layouts.insert(kinds, layout.clone());
        layout
    }

    /// A buffer with these parameters.
    pub fn params(&self, device: &wgpu::Device, bytes: &[u8]) -> wgpu::Buffer {
        let mut params = lock(&self.params);
        if let Some(buffer) = params.get(bytes) {
            return buffer.clone();
        }
        if params.len() >= KEPT_PARAMS {
            params.clear();
        }
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            // Uniform ones are whole rows of 16 bytes.
            size: (bytes.len() as u64).next_multiple_of(16),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM,
            mapped_at_creation: true,
        });
        // Without memory the next check raises what the driver reported; nothing is kept then.
        if let Ok(mut view) = buffer.get_mapped_range_mut(..) {
            view.slice(..bytes.len()).copy_from_slice(bytes);
            drop(view);
            buffer.unmap();
            params.insert(bytes.into(), buffer.clone());
        }
        buffer
    }
}

fn custom_id(k: &Custom, writes: &[bool]) -> String {
    format!("{} {writes:?} {}\n{}\n{}", k.entry, k.params.len(), k.fields, k.source)
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

/// Does a text call a function of `lib/special.wgsl`? Kernels that do not are compiled faster without the file.
pub(super) fn calls_special(text: &str) -> bool {
    let file = FILES.iter().find(|(name, _)| *name == "lib/special.wgsl").map_or("", |(_, text)| text);
    let mut names = file.lines().filter_map(|line| line.strip_prefix("fn ")?.split('(').next());
    names.any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let begins = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            begins && text[at + name.len()..].starts_with('(')
        })
    })
}

/// The WGSL of a kernel.
pub(super) fn assemble(kernel: &str, defs: Defs) -> Result<String> {
    let mut out = String::new();
    append(&mut out, &format!("{kernel}.wgsl"), defs, &mut Vec::new(), &mut 0)?;
    Ok(out)
}

#[cold]
fn broken(file: &str, line: &str, why: &str) -> Error {
    Error::new(Kind::Runtime, format!("internal error: shaders/{file}: {why}: {line}"))
}

fn append<'a>(out: &mut String, file: &str, defs: Defs, included: &mut Vec<&'a str>, bound: &mut usize) -> Result<()>
where
    'static: 'a,
{
    let Some(&(name, text)) = FILES.iter().find(|(name, _)| *name == file) else {
        return Err(broken(file, "", "no such file"));
    };
    if included.contains(&name) {
        return Ok(());
    }
    included.push(name);
    // For each open #if: is its text wanted, that of the branches around it included?
    let mut open: Vec<bool> = vec![true];
    for line in text.lines() {
        let wanted = open.last().copied().unwrap_or(false);
        let word = line.trim();
        if let Some(name) = word.strip_prefix("#if ") {
            open.push(wanted && defs.iter().any(|(d, _)| *d == name.trim()));
        } else if word == "#else" {
            let this = open.pop().unwrap_or(false);
            let around = open.last().copied().unwrap_or(false);
            open.push(around && !this);
        } else if word == "#endif" {
            open.pop();
        } else if !wanted || word.starts_with("//") {
            // Comments may name what is not defined.
        } else if let Some(path) = word.strip_prefix("#include ") {
            append(out, path.trim().trim_matches('"'), defs, included, bound)?;
        } else {
            substitute(out, file, line, defs, bound)?;
        }
    }
    if open.len() == 1 { Ok(()) } else { Err(broken(file, "#if", "not closed")) }
}

fn substitute(out: &mut String, file: &str, line: &str, defs: Defs, bound: &mut usize) -> Result<()> {
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let name_at = &rest[at + 1..];
        let len = name_at
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(name_at.len());
        if &name_at[..len] == "BINDING" {
            let _ = write!(out, "@group(0) @binding({bound})");
            *bound += 1;
            rest = &name_at[len..];
            continue;
        }
        let Some((_, value)) = defs.iter().find(|(d, _)| *d == &name_at[..len]) else {
            return Err(broken(file, line, "a name without a value"));
        };
        out.push_str(value);
        rest = &name_at[len..];
    }
    let _ = writeln!(out, "{rest}");
    Ok(())
}
