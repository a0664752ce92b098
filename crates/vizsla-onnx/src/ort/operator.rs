//! The encoder as an operator in a graph: ONNX Runtime calls it where the layers were. In: an encoder. Out: an operator.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::ort::operator::{
    BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput,
    OperatorOutput,
};
use ::ort::session::builder::SessionBuilder;
use ::ort::value::TensorElementType;

use crate::encoder::Encoder;
use crate::graph;

/// ONNX Runtime registers an operator's domain in a process-wide table, and two threads doing so at once fail.
static DOMAINS: Mutex<()> = Mutex::new(());

/// Registers the encoder with a session. The lock must be held until the session has been created.
pub(super) fn add(
    builder: SessionBuilder,
    encoder: &Arc<dyn Encoder>,
) -> ::ort::Result<(SessionBuilder, MutexGuard<'static, ()>)> {
    let one_at_a_time = DOMAINS.lock().unwrap_or_else(PoisonError::into_inner);
    let operator = EncoderOperator(Arc::clone(encoder));
    let domain = OperatorDomain::new(graph::DOMAIN)?.add(operator)?;
    Ok((builder.with_operators(domain)?, one_at_a_time))
}

struct EncoderOperator(Arc<dyn Encoder>);

impl Operator for EncoderOperator {
    type Kernel<'a> = BoxedKernel<'a>;

    fn name(&self) -> &str {
        graph::OPERATOR
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(TensorElementType::Float32)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'a>(&self, _: &KernelContext<'a>) -> ::ort::Result<BoxedKernel<'a>> {
        let encoder = Arc::clone(&self.0);
        let mut runner = Arc::clone(&encoder).runner();
        Ok(Box::new(move |context: &ComputeContext| {
            let missing = || ::ort::Error::new("the encoder has no input or no output");
            let input = context.input(0)?.ok_or_else(missing)?;
            let (shape, embeddings) = input.try_extract_tensor::<f32>()?;
            let &[batch, tokens, width] = &**shape else {
                return Err(::ort::Error::new(
                    "the encoder's input is not [batch, token, dimension]",
                ));
            };
            if width != encoder.width() as i64 || tokens < 1 {
                return Err(::ort::Error::new("the encoder's input has rows of another size"));
            }
            let rows = if encoder.first_row_only() { 1 } else { tokens };
            let mut output = context.output(0, [batch, rows, width])?.ok_or_else(missing)?;
            let (_, to) = output.try_extract_tensor_mut::<f32>()?;
            // A panic must not unwind into ONNX Runtime: that would end the process.
            catch_unwind(AssertUnwindSafe(|| {
                to.copy_from_slice(runner.run(embeddings, tokens as usize));
            }))
            .map_err(|_| ::ort::Error::new("the encoder panicked"))
        }))
    }
}
