//! The rules of the house that a machine can check.

use std::path::Path;

fn names(dir: &str, ending: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().into_string().unwrap().strip_suffix(ending).map(String::from))
        .collect();
    names.sort();
    names
}

#[test]
fn every_shader_has_its_cpu_twin() {
    let twins = names("src/backend/cpu", ".rs");
    let hosts = names("src/backend/gpu", ".rs");
    let shaders = names("shaders", ".wgsl");
    assert!(shaders.len() > 4);
    for shader in shaders.iter().filter(|s| *s != "common") {
        let stem = shader.trim_end_matches("_wide").to_string();
        assert!(twins.contains(&stem), "shaders/{shader}.wgsl has no src/backend/cpu/{stem}.rs");
        assert!(hosts.contains(&stem), "shaders/{shader}.wgsl has no src/backend/gpu/{stem}.rs");
    }
}

#[test]
fn the_cpu_knows_no_gpu_and_the_library_no_terminal() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut dirs = vec![src.clone()];
    let mut read = 0;
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&path).unwrap();
            read += 1;
            if name.starts_with("backend/cpu") {
                assert!(!text.contains("wgpu"), "{name} mentions wgpu");
            }
            let binary = ["main.rs", "cli.rs", "job.rs"].contains(&name.as_str())
                || ["job/", "cli/"].iter().any(|room| name.starts_with(room));
            if !binary {
                for word in ["println!", "print!(", "process::exit", "clap::", "anyhow", "indicatif"] {
                    assert!(!text.contains(word), "{name} has {word}, which belongs to the binary");
                }
            }
        }
    }
    assert!(read > 15);
}
