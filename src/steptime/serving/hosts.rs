//! How fast the hosts of a generation of devices run what only one of their cores can: launching kernels, scheduling.
//!
//! The reference systems of a generation come with the processors of its year. Pace is clock times instructions per
//! clock, beside that of the EPYC 7742 of a DGX A100 (Zen 2, 3.4 GHz).

/// Pace of the usual host of a generation (manufacturers' boost clocks; instructions per clock as their makers state the
/// gain of each core over the one before it).
const PACES: [(&str, f64); 8] = [
    // Xeon 8168 and like: Skylake at 3.7 GHz.
    ("volta", 1.0),
    // EPYC 7003: Zen 3, 1.19 times Zen 2.
    ("cdna2", 1.2),
    // Xeon 8480C and EPYC 9004: Golden Cove and Zen 4, 1.3 times Zen 2 at 3.7 to 3.8 GHz.
    ("hopper", 1.45),
    ("cdna3", 1.45),
    ("ada", 1.45),
    // Xeon 8570: Raptor Cove at 4.0 GHz.
    ("blackwell", 1.6),
    // Grace: Neoverse V2 at 3.3 GHz.
    ("blackwell-ultra", 1.4),
    // EPYC 9005: Zen 5.
    ("cdna4", 1.7),
];

/// Times that the host of a generation is faster than that of a DGX A100; 1 where nothing is known.
pub(super) fn pace(generation: &str) -> f64 {
    PACES.iter().find(|(known, _)| *known == generation).map_or(1.0, |(_, pace)| *pace)
}
