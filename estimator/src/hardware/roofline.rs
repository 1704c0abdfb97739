//! The roofline: a layer takes as long as its arithmetic or its traffic, whichever is longer.
//!
//! Source: Williams, Waterman and Patterson, “Roofline: an insightful visual performance model” (2009).
//! Here is the time of one piece of work under two ceilings; which share of a device's peaks is reached is for `energy` to say.

use crate::units::{Bytes, BytesPerSecond, Flops, FlopsPerSecond, Seconds};

/// What a device reaches: arithmetic, and traffic where its bandwidth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roof {
    /// Arithmetic per second.
    pub arithmetic: FlopsPerSecond,
    /// Traffic per second; `None` where it is not published, which leaves arithmetic as the only bound.
    pub traffic: Option<BytesPerSecond>,
}

/// Which ceiling holds a piece of work back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory bandwidth.
    Memory,
}

impl Roof {
    /// The time of a piece of work and what bounds it.
    pub fn time(&self, work: Flops, moved: Bytes) -> (Seconds, Bound) {
        let computing = work.at(self.arithmetic);
        let moving = self.traffic.map_or(Seconds(0.0), |traffic| moved.at(traffic));
        if moving > computing { (moving, Bound::Memory) } else { (computing, Bound::Compute) }
    }

    /// The rate that work of this intensity (FLOPs per byte) can reach: the roof's height there.
    pub fn height(&self, intensity: f64) -> FlopsPerSecond {
        match self.traffic {
            Some(traffic) if traffic.0 * intensity < self.arithmetic.0 => FlopsPerSecond(traffic.0 * intensity),
            _ => self.arithmetic,
        }
    }

    /// The intensity (FLOPs per byte) above which arithmetic is the bound: the ridge.
    pub fn ridge(&self) -> Option<f64> {
        self.traffic.map(|traffic| self.arithmetic.0 / traffic.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_two_times_counts() {
        let roof = Roof { arithmetic: FlopsPerSecond(100.0), traffic: Some(BytesPerSecond(10.0)) };
        assert_eq!(roof.time(Flops(100.0), Bytes(5.0)), (Seconds(1.0), Bound::Compute));
        assert_eq!(roof.time(Flops(100.0), Bytes(20.0)), (Seconds(2.0), Bound::Memory));
        assert_eq!(roof.ridge(), Some(10.0));
        assert_eq!(roof.height(5.0), FlopsPerSecond(50.0));
        assert_eq!(roof.height(50.0), FlopsPerSecond(100.0));
    }

    #[test]
    fn without_a_bandwidth_only_arithmetic_bounds() {
        let roof = Roof { arithmetic: FlopsPerSecond(100.0), traffic: None };
        assert_eq!(roof.time(Flops(100.0), Bytes(1e9)), (Seconds(1.0), Bound::Compute));
        assert_eq!((roof.ridge(), roof.height(1e-9)), (None, FlopsPerSecond(100.0)));
    }
}
