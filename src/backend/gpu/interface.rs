//! What the host and the shaders must agree on: structs, bindings and constants.
//!
//! The host states them here and next to its code, under the names that WGSL uses. The test of this module parses every
//! shader and compares the two, so a field that is moved or a binding that is renumbered on one side alone fails it.

use super::buffer::{Buffer, Output};
use bytemuck::Pod;

#[cfg(test)]
mod tests;

/// A type as both sides see it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test compares them with the shaders"))]
pub(super) struct Layout {
    /// Its name in WGSL.
    pub(super) name: &'static str,
    /// How many bytes it has on the host.
    pub(super) size: usize,
    /// Its fields, if it is a struct.
    pub(super) fields: &'static [Field],
}

/// A field of a struct.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test compares them with the shaders"))]
pub(super) struct Field {
    pub(super) name: &'static str,
    /// In bytes.
    pub(super) offset: usize,
    /// The WGSL name of its type.
    pub(super) of: &'static str,
}

/// A value that shaders read or write as it lies in the host's memory.
pub(super) trait Shared: Pod {
    const LAYOUT: Layout;
}

macro_rules! shared {
    ($($type:ty = $name:literal),*) => {
        $(impl Shared for $type {
            const LAYOUT: Layout = Layout { name: $name, size: size_of::<$type>(), fields: &[] };
        })*
    };
}

shared!(u32 = "u32", f32 = "f32", [u32; 2] = "vec2<u32>", [u32; 3] = "vec3<u32>");
shared!([u32; 4] = "vec4<u32>", [f32; 4] = "vec4<f32>");

/// Defines a struct that shaders know under the same name with the same fields.
///
/// A last field called `unused` pads the struct to whole 16 bytes, as uniform buffers want it on some devices; the shader
/// need not have it.
macro_rules! shared_struct {
    (
        $(#[$about:meta])*
        $visible:vis struct $name:ident {
            $($(#[$field_about:meta])* $field_visible:vis $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[repr(C)]
        #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        $visible struct $name {
            $($(#[$field_about])* $field_visible $field: $type,)*
        }

        impl $crate::backend::gpu::interface::Shared for $name {
            const LAYOUT: $crate::backend::gpu::interface::Layout = $crate::backend::gpu::interface::Layout {
                name: stringify!($name),
                size: size_of::<$name>(),
                fields: &[$($crate::backend::gpu::interface::Field {
                    name: stringify!($field),
                    offset: std::mem::offset_of!($name, $field),
                    of: <$type as $crate::backend::gpu::interface::Shared>::LAYOUT.name,
                },)*],
            };
        }
    };
}
pub(super) use shared_struct;

/// What a shader may do with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read one value that is the same for all threads.
    Uniform,
    /// Read an array.
    Read,
    /// Read and write an array.
    ReadWrite,
}

/// A variable of a shader that a buffer is bound to, in group 0.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test compares them with the shaders"))]
pub(super) struct Binding {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) access: Access,
    /// The value, or an element of the array. Atomic values count as plain ones.
    pub(super) of: Layout,
}

impl Binding {
    /// `var<uniform> name: T`.
    pub(super) const fn uniform<T: Shared>(number: u32, name: &'static str) -> Self {
        Binding { number, name, access: Access::Uniform, of: T::LAYOUT }
    }

    /// `var<storage, read> name: array<T>`.
    pub(super) const fn read<T: Shared>(number: u32, name: &'static str) -> Self {
        Binding { number, name, access: Access::Read, of: T::LAYOUT }
    }

    /// `var<storage, read_write> name: array<T>`.
    pub(super) const fn read_write<T: Shared>(number: u32, name: &'static str) -> Self {
        Binding { number, name, access: Access::ReadWrite, of: T::LAYOUT }
    }

    /// Binds a buffer.
    pub(super) fn to<'a>(&self, bound: &'a impl Bound) -> Bind<'a> {
        let (buffer, offset, bytes) = bound.part();
        Bind { number: self.number, buffer, offset, bytes }
    }
}

/// A part of a buffer, and where it is bound.
#[derive(Clone, Copy)]
pub(super) struct Bind<'a> {
    pub(super) number: u32,
    pub(super) buffer: &'a Buffer,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl<'a> Bind<'a> {
    /// As wgpu wants it.
    pub(super) fn entry(&self) -> wgpu::BindGroupEntry<'a> {
        let &Bind { number, buffer, offset, bytes } = self;
        let size = std::num::NonZeroU64::new(bytes);
        let part = wgpu::BufferBinding { buffer: buffer.raw(), offset, size };
        wgpu::BindGroupEntry { binding: number, resource: wgpu::BindingResource::Buffer(part) }
    }
}

/// What can be bound.
pub(super) trait Bound {
    /// The buffer, and the offset and the size of the part that a kernel sees.
    fn part(&self) -> (&Buffer, u64, u64);
}

impl Bound for Buffer {
    fn part(&self) -> (&Buffer, u64, u64) {
        (self, 0, self.bytes())
    }
}

impl Bound for Output {
    fn part(&self) -> (&Buffer, u64, u64) {
        self.inner()
    }
}

/// A function of a shader that can be dispatched.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the test compares them with the shaders"))]
pub(super) struct EntryPoint {
    /// The WGSL file that has it (see [`super::source::FILES`]), and its name there.
    pub(super) file: &'static str,
    pub(super) name: &'static str,
    /// Threads of a workgroup.
    pub(super) threads: usize,
    /// The uniform with the parameters of a dispatch.
    pub(super) params: Binding,
    /// Everything else that it uses.
    pub(super) bindings: &'static [Binding],
    /// The `override` constants that the host sets.
    pub(super) overrides: &'static [&'static str],
    /// Constants that both sides have.
    pub(super) constants: &'static [(&'static str, usize)],
}
