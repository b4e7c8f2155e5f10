//! Parses every shader and compares it with what the host says of it.

use super::{Access, EntryPoint, Layout};
use crate::backend::gpu::{ENTRY_POINTS, source};
use wgpu::naga::{self, AddressSpace, Handle, Module, StorageAccess, Type, TypeInner};

/// A shader as the compiler understands it.
struct Shader {
    module: Module,
    info: naga::valid::ModuleInfo,
}

impl Shader {
    fn parse(file: &str, text: &str) -> Self {
        let module = naga::front::wgsl::parse_str(text)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string_with_path(text, file)));
        let flags = naga::valid::ValidationFlags::all();
        let info = naga::valid::Validator::new(flags, naga::valid::Capabilities::default())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string_with_path(text, file)));
        Shader { module, info }
    }

    /// The name of a type that host and shader share; an atomic value counts as a plain one.
    fn name(&self, of: Handle<Type>) -> String {
        let scalar = |scalar: naga::Scalar| match scalar.kind {
            naga::ScalarKind::Float => "f32",
            naga::ScalarKind::Sint => "i32",
            _ => "u32",
        };
        let own = &self.module.types[of];
        match own.inner {
            TypeInner::Scalar(s) | TypeInner::Atomic(s) => scalar(s).into(),
            TypeInner::Vector { size, scalar: s } => format!("vec{}<{}>", size as u8, scalar(s)),
            _ => own.name.clone().unwrap_or_else(|| "a type that the host cannot have".into()),
        }
    }

    /// Checks a type of the shader against the host's, which is called `layout`.
    fn same_layout(&self, of: Handle<Type>, layout: &Layout, access: Access) -> Result<(), String> {
        let name = self.name(of);
        if name != layout.name {
            return Err(format!("has the type {name}, the host has {}", layout.name));
        }
        let TypeInner::Struct { members, span } = &self.module.types[of].inner else { return Ok(()) };
        let mut fields = layout.fields.iter().filter(|field| field.name != "unused");
        for member in members.iter().filter(|member| member.name.as_deref() != Some("unused")) {
            let own = member.name.clone().unwrap_or_default();
            let Some(field) = fields.next() else { return Err(format!("{name}.{own} is not on the host")) };
            let here = (own.as_str(), member.offset as usize, self.name(member.ty));
            let there = (field.name, field.offset, field.of.to_string());
            if here != there {
                return Err(format!("{name} has {here:?}, the host has {there:?}"));
            }
        }
        if let Some(field) = fields.next() {
            return Err(format!("{name}.{} is on the host alone", field.name));
        }
        // A uniform may be padded; the elements of an array must lie equally far apart.
        let size = if access == Access::Uniform { span.next_multiple_of(16) } else { *span };
        if size as usize != layout.size {
            return Err(format!("{name} takes {size} bytes, on the host {}", layout.size));
        }
        Ok(())
    }

    /// Checks an entry point of the shader against what the host says of it.
    fn same_entry_point(&self, index: usize, host: &EntryPoint) -> Result<(), String> {
        let threads = self.module.entry_points[index].workgroup_size;
        if threads != [host.threads as u32, 1, 1] {
            return Err(format!("workgroups of {threads:?} threads, the host has {}", host.threads));
        }
        let uses = self.info.get_entry_point(index);
        let mut expected: Vec<_> = [&host.params].into_iter().chain(host.bindings).collect();
        for (handle, variable) in self.module.global_variables.iter() {
            let Some(bound) = variable.binding.filter(|_| !uses[handle].is_empty()) else { continue };
            let name = variable.name.clone().unwrap_or_default();
            let Some(at) = expected.iter().position(|own| own.number == bound.binding) else {
                return Err(format!("binding {} ({name}) is not bound by the host", bound.binding));
            };
            let own = expected.swap_remove(at);
            if name != own.name || bound.group != 0 {
                return Err(format!("binding {} is {name}, the host calls it {}", own.number, own.name));
            }
            let (access, of) = match (variable.space, &self.module.types[variable.ty].inner) {
                (AddressSpace::Uniform, _) => (Access::Uniform, variable.ty),
                (AddressSpace::Storage { access }, TypeInner::Array { base, .. }) => {
                    let writes = access.contains(StorageAccess::STORE);
                    (if writes { Access::ReadWrite } else { Access::Read }, *base)
                }
                _ => return Err(format!("{name} is neither a uniform nor an array")),
            };
            if access != own.access {
                return Err(format!("{name} is {access:?}, the host has {:?}", own.access));
            }
            self.same_layout(of, &own.of, access).map_err(|why| format!("{name}: {why}"))?;
        }
        match expected.first() {
            Some(left) => Err(format!("the host binds {}, which is not used", left.name)),
            None => self.same_constants(host),
        }
    }

    fn same_constants(&self, host: &EntryPoint) -> Result<(), String> {
        for name in host.overrides {
            if !self.module.overrides.iter().any(|(_, own)| own.name.as_deref() == Some(*name)) {
                return Err(format!("the host sets {name}, which is no override"));
            }
        }
        for &(name, value) in host.constants {
            let own = self.module.constants.iter().find(|(_, own)| own.name.as_deref() == Some(name));
            let value = naga::Expression::Literal(naga::Literal::U32(value as u32));
            if own.is_none_or(|(_, own)| self.module.global_expressions[own.init] != value) {
                return Err(format!("{name} has another value, or is no constant"));
            }
        }
        Ok(())
    }
}

#[test]
fn every_shader_is_what_the_host_says_it_is() {
    for (features, memory) in [(1, 32 << 10), (5, 16 << 10), (26, 32 << 10), (96, 16 << 10), (97, 32 << 10)] {
        for (file, text) in source::FILES.iter().filter(|(_, text)| text.contains("@compute")) {
            let shader = Shader::parse(file, &source::source(file, features, memory));
            for (index, own) in shader.module.entry_points.iter().enumerate() {
                let host = ENTRY_POINTS.iter().find(|host| host.file == *file && host.name == own.name);
                let host = host.unwrap_or_else(|| panic!("{file}: the host does not know {}", own.name));
                if let Err(why) = shader.same_entry_point(index, host) {
                    panic!("{file}, {}: {why}", own.name);
                }
            }
            let known = ENTRY_POINTS.iter().filter(|host| host.file == *file).count();
            assert_eq!(known, text.matches("@compute").count(), "{file}: an entry point that is not there");
        }
    }
}

#[test]
fn a_change_on_one_side_alone_is_noticed() {
    let text = source::source("lloyd", 5, 32 << 10);
    let compare = |text: &str| -> Result<(), String> {
        let shader = Shader::parse("lloyd", text);
        for (index, own) in shader.module.entry_points.iter().enumerate() {
            let host = ENTRY_POINTS.iter().find(|host| host.file == "lloyd" && host.name == own.name);
            shader.same_entry_point(index, host.unwrap())?;
        }
        Ok(())
    };
    assert_eq!(compare(&text), Ok(()));
    let swapped = ("sets: u32,\n    sets_per_thread: u32,", "sets_per_thread: u32,\n    sets: u32,");
    for ((from, to), what) in [
        (swapped, "sets_per_thread"),
        (("    ignore_old: u32,\n", "    ignore_old: u32,\n    more: u32,\n    most: u32,\n"), "more"),
        (("stopped: u32,\n}", "stopped: u32,\n    unused: vec2<f32>,\n}"), "64 bytes"),
        (("@binding(4) var<storage, read> packs", "@binding(16) var<storage, read> packs"), "packs"),
        (("read> assigned:", "read_write> assigned:"), "ReadWrite"),
        (("const TABLE: u32 = 2048u", "const TABLE: u32 = 1024u"), "TABLE"),
        (("@compute @workgroup_size(256)", "@compute @workgroup_size(128)"), "128"),
    ] {
        assert!(text.contains(from), "{from} is not in the shader");
        let why = compare(&text.replace(from, to)).expect_err(to);
        assert!(why.contains(what), "{to}: {why}");
    }
    let renamed = text.replace("steps_per_unit", "steps_of_unit");
    assert!(compare(&renamed).is_err_and(|why| why.contains("steps_of_unit")));
}
