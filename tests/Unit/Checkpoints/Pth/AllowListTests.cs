using Loadline.Checkpoints;
using Loadline.Checkpoints.Pickles;

namespace Loadline.Unit.Checkpoints.Pth;

/// <summary>Which globals mean something, one by one: what is not among them makes an opaque value, or gets a file refused.</summary>
public class AllowListTests
{
    private static readonly (string Kind, string Names)[] Named =
    [
        ("OrderedDict", "collections.OrderedDict builtins.dict"), ("DefaultDict", "collections.defaultdict"), ("List", "builtins.list"),
        ("Counter", "collections.Counter"), ("Set", "builtins.set builtins.frozenset"), ("Bytes", "_codecs.encode"), ("EmptyBytes", "builtins.bytes"),
        ("Reconstructor", "copyreg._reconstructor"), ("ByteArray", "builtins.bytearray"), ("Complex", "builtins.complex"), ("Size", "torch.Size"),
        ("Device", "torch.device"), ("Layout", "torch.serialization._get_layout"),
        ("Parameter", "torch.nn.parameter.Parameter torch.nn.Parameter torch.autograd.variable.Variable"), ("TensorClass", "torch.Tensor"),
        ("RebuildTensor", "torch._utils._rebuild_tensor"), ("RebuildTensorV2", "torch._utils._rebuild_tensor_v2"),
        ("RebuildTensorV3", "torch._utils._rebuild_tensor_v3"),
        ("RebuildParameter", "torch._utils._rebuild_parameter torch._utils._rebuild_parameter_with_state"),
        ("RebuildFromType", "torch._tensor._rebuild_from_type_v2 torch._tensor._rebuild_from_type torch.tensor._rebuild_from_type"),
        ("RebuildFromCpuTensor", "torch._utils._rebuild_device_tensor_from_cpu_tensor"),
        ("RebuildFromNumpy", "torch._utils._rebuild_device_tensor_from_numpy torch._utils._rebuild_xla_tensor"),
        ("RebuildQuantized", "torch._utils._rebuild_qtensor"), ("RebuildSparse", "torch._utils._rebuild_sparse_tensor"),
        ("RebuildNested", "torch._utils._rebuild_nested_tensor"), ("RebuildMeta", "torch._utils._rebuild_meta_tensor_no_storage"),
        ("RebuildWrapperSubclass", "torch._utils._rebuild_wrapper_subclass"),
        ("ScriptedValue", "torch.jit._pickle.build_intlist torch.jit._pickle.build_tensorlist torch.jit._pickle.build_doublelist "
            + "torch.jit._pickle.build_boollist torch.jit._pickle.restore_type_tag"),
        ("NumpyReconstruct", "numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct"),
        ("NumpyScalar", "numpy.core.multiarray.scalar numpy._core.multiarray.scalar"),
        ("NumpyFromBuffer", "numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer"), ("NumpyDType", "numpy.dtype"),
        ("QuantizerScheme", "torch.per_tensor_affine torch.per_tensor_symmetric torch.per_channel_affine torch.per_channel_symmetric "
            + "torch.per_channel_affine_float_qparams"),
        ("DType", "torch.qint8 torch.quint8 torch.qint32 torch.quint4x2 torch.quint2x4"),
        ("UntypedStorage", "torch.storage.UntypedStorage torch.UntypedStorage torch.cuda.UntypedStorage"),
        ("StorageClass", "torch.QInt8Storage torch.QUInt8Storage torch.QInt32Storage torch.QUInt4x2Storage torch.QUInt2x4Storage "
            + "torch.cuda.QInt8Storage torch.cuda.QUInt8Storage torch.cuda.QInt32Storage torch.cuda.QUInt4x2Storage torch.cuda.QUInt2x4Storage"),
    ];

    [Fact]
    public void Each_has_its_kind_and_no_dtype_of_ours()
    {
        foreach (var (kind, names) in Named)
        {
            foreach (var name in names.Split(' ')) AllowList.Find(name).Should().Be(new PickleGlobal(name, Enum.Parse<PickleGlobalKind>(kind)));
        }
    }

    [Fact]
    public void Each_dtype_of_whole_bytes_has_its_own_and_its_classes()
    {
        foreach (var dtype in DType.All)
        {
            var kinds = new[] { $"torch.{dtype.Name}", $"torch.{dtype.StorageClass}", $"torch.cuda.{dtype.StorageClass}", $"torch.{Tensor(dtype)}", $"torch.cuda.{Tensor(dtype)}" }
                .Select(name => AllowList.Find(name) is { } global && global.DType == dtype ? global.Kind : PickleGlobalKind.Opaque);

            PickleGlobalKind[] expected = dtype switch
            {
                { BytesPerElement: 0 } => [0, 0, 0, 0, 0],
                { StorageClass: null } => [PickleGlobalKind.DType, 0, 0, 0, 0],
                _ => [PickleGlobalKind.DType, PickleGlobalKind.StorageClass, PickleGlobalKind.StorageClass, PickleGlobalKind.TensorClass, PickleGlobalKind.TensorClass],
            };
            kinds.Should().Equal(expected, dtype.Name);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("torch.")]
    [InlineData("torch.cuda.")]
    [InlineData("torch.cuda.float32")]
    [InlineData("torch.Storage")]
    [InlineData("torch.float")]
    [InlineData("torch.cuda.cuda.FloatStorage")]
    [InlineData("Torch.FloatStorage")]
    [InlineData("torch.FloatStorage ")]
    [InlineData("os.system")]
    [InlineData("builtins.eval")]
    public void Nothing_else_is_on_it(string name) => AllowList.Find(name).Should().BeNull();

    private static string? Tensor(DType dtype) => dtype.StorageClass?.Replace("Storage", "Tensor");
}
