//! The tile registers of AMX ("Intel 64 and IA-32 Architectures Software Developer's Manual", volume 1, chapter 18). In
//! assembly, since the intrinsics are not stable.

use std::arch::asm;
use std::marker::PhantomData;

use crate::encoder::avx512::linear::{PANEL, Panel, Step};

/// Rows of a tile.
pub(super) const ROWS: usize = 16;
/// Bytes in a row of a tile.
const WIDTH: usize = 64;
/// How many steps of four inputs a tile of weights holds.
const STEPS: usize = 16;

/// The sums of sixteen rows' products with 64 columns.
#[repr(align(64))]
pub(super) struct Sums([Panel<i32>; ROWS]);

impl Default for Sums {
    fn default() -> Self {
        Self([[[0; 16]; 4]; ROWS])
    }
}

impl Sums {
    pub(super) fn rows(&self) -> impl Iterator<Item = &Panel<i32>> {
        self.0.iter()
    }
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 8],
    reserved_row_bytes: [u16; 8],
    rows: [u8; 8],
    reserved_rows: [u8; 8],
}

/// All eight tiles of full size.
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [WIDTH as u16; 8],
    reserved_row_bytes: [0; 8],
    rows: [ROWS as u8; 8],
    reserved_rows: [0; 8],
};

/// The tiles of this thread, configured until this is dropped.
pub(super) struct Tiles(PhantomData<*mut ()>);

impl Tiles {
    /// # Safety
    /// The processor must have the instructions, and the system must have permitted them.
    pub(super) unsafe fn configure() -> Self {
        // SAFETY: as above; the configuration is a valid one.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const CONFIGURATION, options(nostack, readonly));
        }
        Self(PhantomData)
    }

    /// Multiplies a block of sixteen rows with 64 columns: unsigned bytes of a row, signed ones of a column, four to an
    /// item, as many items in a row as there are steps.
    #[allow(clippy::unused_self, reason = "proof that the tiles are configured")]
    pub(super) fn multiply(&self, block: &[i32], steps: &[Step], sums: &mut Sums) {
        let tiles = steps.len() / STEPS;
        assert!(
            tiles > 0 && steps.len().is_multiple_of(STEPS) && block.len() == ROWS * steps.len()
        );
        // SAFETY: the tiles are configured. Of `tiles` tiles of a block and four times as many of weights each row lies
        // within the slices, as asserted, and the sums are four tiles.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{rows} + {row_bytes}]",
                "tileloadd tmm5, [{steps} + {step_bytes}]",
                "tileloadd tmm6, [{steps} + {step_bytes} + 64]",
                "tdpbusd tmm0, tmm4, tmm5",
                "tileloadd tmm7, [{steps} + {step_bytes} + 128]",
                "tdpbusd tmm1, tmm4, tmm6",
                "tileloadd tmm5, [{steps} + {step_bytes} + 192]",
                "tdpbusd tmm2, tmm4, tmm7",
                "tdpbusd tmm3, tmm4, tmm5",
                "add {rows}, {width}",
                "add {steps}, {tile_bytes}",
                "dec {tiles}",
                "jnz 2b",
                "tilestored [{sums} + {step_bytes}], tmm0",
                "tilestored [{sums} + {step_bytes} + 64], tmm1",
                "tilestored [{sums} + {step_bytes} + 128], tmm2",
                "tilestored [{sums} + {step_bytes} + 192], tmm3",
                rows = inout(reg) block.as_ptr() => _,
                row_bytes = in(reg) size_of_val(block) / ROWS,
                steps = inout(reg) steps.as_ptr() => _,
                step_bytes = in(reg) size_of::<Step>(),
                tiles = inout(reg) tiles => _,
                sums = in(reg) sums.0.as_mut_ptr(),
                width = const WIDTH,
                tile_bytes = const STEPS * size_of::<Step>(),
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the processor has the instructions. Tiles in use would be saved whenever the thread is switched.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

const _: () = assert!(size_of::<Configuration>() == 64 && size_of::<Step>() == 4 * PANEL);
