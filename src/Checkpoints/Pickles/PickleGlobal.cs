namespace Loadline.Checkpoints.Pickles;

/// <summary>What a global stands for.</summary>
internal enum PickleGlobalKind
{
    /// <summary>Anything that is not on the allow-list.</summary>
    Opaque,
    OrderedDict,
    Counter,
    DefaultDict,
    List,
    Set,
    Bytes,
    EmptyBytes,
    ByteArray,
    Complex,
    GetAttribute,
    Reconstructor,
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
    ScriptedValue,
    NumpyReconstruct,
    NumpyFromBuffer,
    NumpyScalar,
    NumpyDType,
}

/// <summary>A global that a pickle names: a symbol, never code.</summary>
/// <param name="Name">The dotted name, as in <c>torch._utils._rebuild_tensor_v2</c>.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="DType">The element type of a storage class or dtype, where Loadline knows it.</param>
internal sealed record PickleGlobal(string Name, PickleGlobalKind Kind, DType? DType = null)
{
    /// <summary>Whether a call of it is refused; asked once, however often it is called: <see cref="HostileNames.ContainsCall"/>.</summary>
    public bool IsHostileToCall { get; init; }

    /// <summary>Whether it is nothing but a function that others call, or makes one: not among data. Asked once, however often it stands there.</summary>
    public bool IsOnlyToBeCalled { get; init; } = Kind == PickleGlobalKind.GetAttribute;
}
