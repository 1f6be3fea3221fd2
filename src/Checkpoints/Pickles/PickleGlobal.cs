namespace Loadline.Checkpoints.Pickles;

/// <summary>What a global of the allow-list stands for.</summary>
internal enum PickleGlobalKind
{
    OrderedDict,
    Counter,
    Set,
    Bytes,
    ByteArray,
    Complex,
    Size,
    Device,
    Layout,
    Parameter,
    TensorClass,
    StorageClass,
    UntypedStorage,
    DType,
    QuantizerScheme,
    RebuildTensor,
    RebuildTensorV2,
    RebuildTensorV3,
    RebuildParameter,
    RebuildFromType,
    RebuildFromCpuTensor,
    RebuildQuantized,
    RebuildSparse,
    RebuildNested,
    RebuildMeta,
    RebuildWrapperSubclass,
    RebuildFromNumpy,
}

/// <summary>A global that a pickle may name: a symbol, never code.</summary>
/// <param name="Name">The dotted name, as in <c>torch._utils._rebuild_tensor_v2</c>.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="DType">The element type of a storage class or dtype, where Loadline knows it.</param>
internal sealed record PickleGlobal(string Name, PickleGlobalKind Kind, DType? DType = null);
