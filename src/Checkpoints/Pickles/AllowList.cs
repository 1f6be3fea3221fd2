namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// The globals that mean something to a reader of tensors: those of PyTorch 2.6's weights-only unpickler (torch/_weights_only_unpickler.py), Python's own
/// containers, NumPy's arrays, and what older versions wrote. Naming one runs nothing: a global is a symbol that <see cref="TorchCalls"/> interprets.
/// Any other becomes an <see cref="OpaqueValue"/>.
/// </summary>
internal static class AllowList
{
    private const string Torch = "torch.";
    private const string Cuda = "cuda.";
    private const string StorageClass = "Storage";
    private const string TensorClass = "Tensor";

    /// <summary>The global of a dotted name, or null if it is not on the list.</summary>
    // No table: to make one takes as long as to read a small checkpoint.
    public static PickleGlobal? Find(string name) => KindOf(name) is var kind and not PickleGlobalKind.Opaque ? new PickleGlobal(name, kind) : FindByType(name);

    private static PickleGlobalKind KindOf(string name) => name switch
    {
        "collections.OrderedDict" or "builtins.dict" => PickleGlobalKind.OrderedDict,
        "collections.defaultdict" => PickleGlobalKind.DefaultDict,
        "builtins.list" => PickleGlobalKind.List,
        "collections.Counter" => PickleGlobalKind.Counter,
        "builtins.set" or "builtins.frozenset" => PickleGlobalKind.Set,
        "_codecs.encode" => PickleGlobalKind.Bytes,
        "builtins.bytes" => PickleGlobalKind.EmptyBytes,
        "copyreg._reconstructor" => PickleGlobalKind.Reconstructor,
        "builtins.bytearray" => PickleGlobalKind.ByteArray,
        "builtins.complex" => PickleGlobalKind.Complex,
        "builtins.getattr" => PickleGlobalKind.GetAttribute,
        "torch.Size" => PickleGlobalKind.Size,
        "torch.device" => PickleGlobalKind.Device,
        "torch.serialization._get_layout" => PickleGlobalKind.Layout,
        "torch.nn.parameter.Parameter" or "torch.nn.Parameter" or "torch.autograd.variable.Variable" => PickleGlobalKind.Parameter,
        "torch.Tensor" => PickleGlobalKind.TensorClass,
        "torch._utils._rebuild_tensor" => PickleGlobalKind.RebuildTensor,
        "torch._utils._rebuild_tensor_v2" => PickleGlobalKind.RebuildTensorV2,
        "torch._utils._rebuild_tensor_v3" => PickleGlobalKind.RebuildTensorV3,
        "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state" => PickleGlobalKind.RebuildParameter,
        "torch._tensor._rebuild_from_type_v2" or "torch._tensor._rebuild_from_type" or "torch.tensor._rebuild_from_type" => PickleGlobalKind.RebuildFromType,
        "torch._utils._rebuild_device_tensor_from_cpu_tensor" => PickleGlobalKind.RebuildFromCpuTensor,
        "torch._utils._rebuild_device_tensor_from_numpy" or "torch._utils._rebuild_xla_tensor" => PickleGlobalKind.RebuildFromNumpy,
        "torch._utils._rebuild_qtensor" => PickleGlobalKind.RebuildQuantized,
        "torch._utils._rebuild_sparse_tensor" => PickleGlobalKind.RebuildSparse,
        "torch._utils._rebuild_nested_tensor" => PickleGlobalKind.RebuildNested,
        "torch._utils._rebuild_meta_tensor_no_storage" => PickleGlobalKind.RebuildMeta,
        "torch._utils._rebuild_wrapper_subclass" => PickleGlobalKind.RebuildWrapperSubclass,
        "torch.jit._pickle.build_intlist" or "torch.jit._pickle.build_tensorlist" or "torch.jit._pickle.build_doublelist"
            or "torch.jit._pickle.build_boollist" or "torch.jit._pickle.restore_type_tag" => PickleGlobalKind.ScriptedValue,
        "numpy.core.multiarray._reconstruct" or "numpy._core.multiarray._reconstruct" => PickleGlobalKind.NumpyReconstruct,
        "numpy.core.multiarray.scalar" or "numpy._core.multiarray.scalar" => PickleGlobalKind.NumpyScalar,
        "numpy.core.numeric._frombuffer" or "numpy._core.numeric._frombuffer" => PickleGlobalKind.NumpyFromBuffer,
        "numpy.dtype" => PickleGlobalKind.NumpyDType,
        "torch.per_tensor_affine" or "torch.per_tensor_symmetric" or "torch.per_channel_affine" or "torch.per_channel_symmetric"
            or "torch.per_channel_affine_float_qparams" => PickleGlobalKind.QuantizerScheme,
        "torch.qint8" or "torch.quint8" or "torch.qint32" or "torch.quint4x2" or "torch.quint2x4" => PickleGlobalKind.DType,
        "torch.storage.UntypedStorage" or "torch.UntypedStorage" or "torch.cuda.UntypedStorage" => PickleGlobalKind.UntypedStorage,
        "torch.QInt8Storage" or "torch.QUInt8Storage" or "torch.QInt32Storage" or "torch.QUInt4x2Storage" or "torch.QUInt2x4Storage"
            or "torch.cuda.QInt8Storage" or "torch.cuda.QUInt8Storage" or "torch.cuda.QInt32Storage" or "torch.cuda.QUInt4x2Storage"
            or "torch.cuda.QUInt2x4Storage" => PickleGlobalKind.StorageClass,
        _ => PickleGlobalKind.Opaque,
    };

    // torch.float32, torch.FloatStorage, torch.cuda.FloatTensor, and the same of all other dtypes.
    private static PickleGlobal? FindByType(string name)
    {
        if (!name.StartsWith(Torch, StringComparison.Ordinal)) return null;
        var bare = name.AsSpan(Torch.Length);
        var isOnGpu = bare.StartsWith(Cuda);
        var last = isOnGpu ? bare[Cuda.Length..] : bare;
        for (var i = 0; i < DType.All.Count; i++)
        {
            var dtype = DType.All[i];
            // The types narrower than a byte are safetensors' alone.
            if (dtype.BytesPerElement == 0) continue;
            if (!isOnGpu && bare.SequenceEqual(dtype.Name)) return new PickleGlobal(name, PickleGlobalKind.DType, dtype);
            if (dtype.StorageClass is not { } storage) continue;
            if (last.SequenceEqual(storage)) return new PickleGlobal(name, PickleGlobalKind.StorageClass, dtype);
            if (last.EndsWith(TensorClass) && last[..^TensorClass.Length].SequenceEqual(storage.AsSpan(0, storage.Length - StorageClass.Length)))
                return new PickleGlobal(name, PickleGlobalKind.TensorClass, dtype);
        }

        return null;
    }
}
