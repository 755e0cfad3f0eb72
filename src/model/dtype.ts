/** An element type, as far as memory and type promotion are concerned. Compared by identity. */
export interface DType {
  readonly name: string;
  readonly bytes: number;
  readonly floating: boolean;
}

export const float64: DType = { name: 'float64', bytes: 8, floating: true };
export const float32: DType = { name: 'float32', bytes: 4, floating: true };
export const float16: DType = { name: 'float16', bytes: 2, floating: true };
export const bfloat16: DType = { name: 'bfloat16', bytes: 2, floating: true };
export const complex64: DType = { name: 'complex64', bytes: 8, floating: true };
export const complex128: DType = { name: 'complex128', bytes: 16, floating: true };
export const int64: DType = { name: 'int64', bytes: 8, floating: false };
export const int32: DType = { name: 'int32', bytes: 4, floating: false };
export const uint8: DType = { name: 'uint8', bytes: 1, floating: false };
export const bool: DType = { name: 'bool', bytes: 1, floating: false };

/** Lowest first; float16 and bfloat16 share a step and meet in float32. */
const PROMOTION: readonly DType[] = [
  bool,
  uint8,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
  complex128,
];

/** The type of a result of two operands with dimensions, by PyTorch's promotion rules (c10/core/ScalarType.h). */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a;
  if ((a === float16 && b === bfloat16) || (a === bfloat16 && b === float16)) return float32;
  return PROMOTION.indexOf(a) > PROMOTION.indexOf(b) ? a : b;
}

/** Whether autocast would lower the type: a floating type of at most 32 bits. */
export function isAutocastable(dtype: DType): boolean {
  return dtype === float32 || dtype === float16 || dtype === bfloat16;
}
