//! Finds the parts of a cross-encoder in a directory in the hub's layout, and chooses the file for this processor. In:
//! a directory. Out: bytes. Knows nothing of ONNX Runtime or of tokens.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cpu::Cpu;
use crate::device::Device;
use crate::error::{Error, ErrorKind};

/// The parts found in a directory.
pub(crate) struct ModelDir {
    pub(crate) onnx: PathBuf,
    pub(crate) tokenizer: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) tokenizer_config: Option<Vec<u8>>,
}

impl ModelDir {
    /// Looks for `config.json`, `tokenizer.json` and an ONNX file: `file` if given, else the best of `model*.onnx`
    /// and `onnx/*.onnx` for this processor.
    pub(crate) fn find(dir: &Path, file: Option<&str>, device: Device) -> Result<Self, Error> {
        if !dir.is_dir() {
            let problem = if dir.exists() { "is not a directory" } else { "does not exist" };
            return Err(missing(format!("the model directory {} {problem}", dir.display())));
        }
        let part = |name: &str| {
            let path = dir.join(name);
            match fs::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(format!(
                    "the model directory {} has no {name}; a cross-encoder needs config.json, tokenizer.json and \
                     onnx/model*.onnx or model.onnx, as its page on the hub has them",
                    dir.display()
                ))),
                read => read.map_err(|error| Error::reading(&path, error)),
            }
        };
        let config = part("config.json")?;
        let tokenizer = part("tokenizer.json")?;
        let onnx = match file {
            Some(name) => Some(dir.join(name)).filter(|path| path.is_file()).ok_or_else(|| {
                missing(format!("the model directory {} has no file {name}", dir.display()))
            })?,
            None => choose(dir, &onnx_files(dir)?, device)?,
        };
        let tokenizer_config = fs::read(dir.join("tokenizer_config.json")).ok();
        Ok(Self { onnx, tokenizer, config, tokenizer_config })
    }
}

fn missing(message: String) -> Error {
    Error::new(ErrorKind::ModelFile, message)
}

fn onnx_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for dir in [dir.to_owned(), dir.join("onnx")].into_iter().filter(|dir| dir.is_dir()) {
        for entry in fs::read_dir(&dir).map_err(|error| Error::reading(&dir, error))? {
            let path = entry.map_err(|error| Error::reading(&dir, error))?.path();
            if path.extension().is_some_and(|extension| extension == "onnx") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn choose(dir: &Path, files: &[PathBuf], device: Device) -> Result<PathBuf, Error> {
    if device != Device::Cpu {
        // A file made for it, else full precision; 8-bit integers are slower there.
        let named =
            |stem: &str| files.iter().find(|path| path.file_stem().is_some_and(|s| s == stem));
        if let Some(file) = ["model_O4", "model_fp16", "model"].iter().find_map(|stem| named(stem))
        {
            return Ok(file.clone());
        }
    }
    if files.is_empty() {
        return Err(missing(format!(
            "the model directory {} has no ONNX file; put one at onnx/model.onnx or model.onnx",
            dir.display()
        )));
    }
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let paths: Vec<String> = files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let best = best_file(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    best.map(PathBuf::from).ok_or_else(|| {
        let names: Vec<_> = files.iter().map(name).collect();
        Error::new(
            ErrorKind::UnsupportedModel,
            format!(
                "the model directory {} has only half-precision or 4-bit files ({}), which are for other hardware; \
                 add the fp32 or int8 file of the model",
                dir.display(),
                names.join(", ")
            ),
        )
    })
}

/// Which of the given ONNX files, by path, suits this processor best; `None` if none can be used.
pub fn best_file<'a>(paths: &[&'a str]) -> Option<&'a str> {
    let cpu = Cpu::detect();
    let stem =
        |path: &str| Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    paths
        .iter()
        .copied()
        .filter_map(|path| Some((preference(cpu, &stem(path)?)?, path)))
        .min()
        .map(|(_, path)| path)
}

/// The path of the fp32 file within a model's folder.
///
/// # Errors
/// [`ErrorKind::ModelFile`] when it has none.
pub fn fp32_file(dir: &Path) -> Result<PathBuf, Error> {
    ["onnx/model.onnx", "model.onnx"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| dir.join(path).is_file())
        .ok_or_else(|| missing(format!("{} has no onnx/model.onnx or model.onnx", dir.display())))
}

/// The preference for the file with this stem on a processor, 0 the best; `None` if it must not be used. The names are
/// those that sentence-transformers, optimum and transformers.js give their exports.
fn preference(cpu: Cpu, stem: &str) -> Option<u8> {
    let stem = stem.to_lowercase();
    let has = |part: &str| stem.contains(part);
    let int8 = has("int8") || has("quantized");
    if has("fp16") || has("_o4") || has("q4") || has("bnb4") {
        return None;
    }
    Some(match (int8, cpu.exact_int8 || cpu.encoder) {
        (true, true) if has("avx512_vnni") => u8::from(cpu.arm) * 3,
        (true, true) if has("arm64") => u8::from(!cpu.arm) * 3,
        (true, true) if has("avx2") => 4,
        (true, true) if has("avx512") => 1 + u8::from(cpu.arm) * 3,
        (true, true) => 2,
        (false, _) if stem == "model" => 5,
        (false, _) => 6,
        (true, false) if has("avx2") => 0,
        (true, false) => 7,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_gets_its_file() {
        let hub = [
            "model",
            "model_O1",
            "model_O4",
            "model_qint8_arm64",
            "model_qint8_avx512",
            "model_qint8_avx512_vnni",
            "model_quint8_avx2",
            "model_fp16",
            "model_quantized",
        ];
        let best = |cpu: Cpu, without: &[&str]| {
            hub.iter()
                .filter(|n| !without.contains(n))
                .filter_map(|n| Some((preference(cpu, n)?, *n)))
                .min()
                .unwrap()
                .1
        };
        let vnni = Cpu { exact_int8: true, encoder: true, arm: false };
        let avx2 = Cpu { exact_int8: false, encoder: true, arm: false };
        let plain = Cpu { exact_int8: false, encoder: false, arm: false };
        let arm = Cpu { exact_int8: true, encoder: true, arm: true };
        let old_arm = Cpu { exact_int8: true, encoder: false, arm: true };
        assert_eq!(best(vnni, &[]), "model_qint8_avx512_vnni");
        assert_eq!(best(avx2, &[]), "model_qint8_avx512_vnni");
        assert_eq!(best(plain, &[]), "model_quint8_avx2");
        assert_eq!(best(plain, &["model_quint8_avx2"]), "model");
        assert_eq!(best(arm, &[]), "model_qint8_arm64");
        assert_eq!(best(old_arm, &[]), "model_qint8_arm64");
        assert_eq!(preference(vnni, "model_O4"), None);
    }
}
