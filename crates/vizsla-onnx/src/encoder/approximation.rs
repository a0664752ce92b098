//! The two functions of a layer that are approximated: in scalar form, and the constants that the vector forms share, so
//! that all kernels compute the same to the last bit.

/// Coefficients of 2^x for |x| ≤ ½, highest first: a polynomial fitted for minimal relative error, at most 0.000003.
pub(super) const EXP2: [f32; 5] =
    [0.009_570_102, 0.055_917_86, 0.240_247_44, 0.693_121_8, 0.999_999_3];

/// Beyond this the error function of x/√2 is taken as ±1.
pub(super) const ERF_LIMIT: f32 = 4.2;
/// Coefficients of erf(x/√2) / x in 2x²/[`ERF_LIMIT`]² - 1, where the polynomial is well conditioned, highest first:
/// fitted by least squares on |x| ≤ [`ERF_LIMIT`].
pub(super) const ERF: [f32; 9] = [
    0.003_606_434_2,
    -0.010_973_586,
    0.017_337_145,
    -0.028_237_557,
    0.049_540_11,
    -0.077_586_1,
    0.111_684_64,
    -0.162_992_12,
    0.335_711_48,
];

/// 2^x for x ≤ 0: the integer part goes into the exponent, the rest, at most a half in magnitude, through a polynomial.
pub(super) fn exp2(x: f32) -> f32 {
    // The smallest normal number stands for all that are smaller.
    let x = x.max(-126.0);
    let whole = x.round_ties_even();
    let power = polynomial(&EXP2, x - whole);
    power * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// x·Φ(x), the exact (not the tanh) form of Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), within 0.0001:
/// a 150th of the step size to which the result is quantised.
pub(super) fn gelu(x: f32) -> f32 {
    let limited = x.clamp(-ERF_LIMIT, ERF_LIMIT);
    let square = (limited * limited).mul_add(2.0 / (ERF_LIMIT * ERF_LIMIT), -1.0);
    let erf = (limited * polynomial(&ERF, square)).clamp(-1.0, 1.0);
    let half = x * 0.5;
    half.mul_add(erf, half)
}

fn polynomial(coefficients: &[f32], x: f32) -> f32 {
    coefficients[1..].iter().fold(coefficients[0], |sum, c| sum.mul_add(x, *c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_within_three_millionths() {
        for i in 0..40_000 {
            let x = -0.001 * i as f32;
            let error = f64::from(exp2(x)) / f64::from(x).exp2() - 1.0;
            assert!(error.abs() < 4e-6, "{x}: {error}");
        }
        assert!(exp2(f32::NEG_INFINITY) < 1e-37);
    }

    /// The error function by its series (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 7.1.5).
    fn erf(x: f64) -> f64 {
        let mut term = x;
        let mut sum = x;
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn gelu_is_within_a_ten_thousandth() {
        for i in -5000..=5000 {
            let x = 0.001 * i as f32;
            let exact = 0.5 * f64::from(x) * (1.0 + erf(f64::from(x) / std::f64::consts::SQRT_2));
            assert!((f64::from(gelu(x)) - exact).abs() < 1.2e-4, "{x}: {} {exact}", gelu(x));
        }
    }
}
