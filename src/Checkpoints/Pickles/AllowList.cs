namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// The globals that mean something to a reader of tensors: those of PyTorch 2.6's weights-only unpickler (torch/_weights_only_unpickler.py), Python's own
/// containers, NumPy's arrays, and what older versions wrote. Naming one runs nothing: a global is a symbol that <see cref="TorchCalls"/> interprets.
/// Any other becomes an <see cref="OpaqueValue"/>.
/// </summary>
internal static class AllowList
{
    private static readonly Dictionary<string, PickleGlobal> Globals = Build();

    /// <summary>The global of a dotted name, or null if it is not on the list.</summary>
    public static PickleGlobal? Find(string name) => Globals.GetValueOrDefault(name);

    private static Dictionary<string, PickleGlobal> Build()
    {
        var globals = new Dictionary<string, PickleGlobal>(220);
        void Allow(PickleGlobalKind kind, params string[] names)
        {
            foreach (var name in names) globals.Add(name, new PickleGlobal(name, kind));
        }

        Allow(PickleGlobalKind.OrderedDict, "collections.OrderedDict", "builtins.dict");
        Allow(PickleGlobalKind.DefaultDict, "collections.defaultdict");
        Allow(PickleGlobalKind.List, "builtins.list");
        Allow(PickleGlobalKind.Counter, "collections.Counter");
        Allow(PickleGlobalKind.Set, "builtins.set", "builtins.frozenset");
        Allow(PickleGlobalKind.Bytes, "_codecs.encode");
        Allow(PickleGlobalKind.EmptyBytes, "builtins.bytes");
        Allow(PickleGlobalKind.Reconstructor, "copyreg._reconstructor");
        Allow(PickleGlobalKind.ByteArray, "builtins.bytearray");
        Allow(PickleGlobalKind.Complex, "builtins.complex");
        Allow(PickleGlobalKind.Size, "torch.Size");
        Allow(PickleGlobalKind.Device, "torch.device");
        Allow(PickleGlobalKind.Layout, "torch.serialization._get_layout");
        Allow(PickleGlobalKind.Parameter, "torch.nn.parameter.Parameter", "torch.nn.Parameter", "torch.autograd.variable.Variable");
        Allow(PickleGlobalKind.TensorClass, "torch.Tensor");
        Allow(PickleGlobalKind.RebuildTensor, "torch._utils._rebuild_tensor");
        Allow(PickleGlobalKind.RebuildTensorV2, "torch._utils._rebuild_tensor_v2");
        Allow(PickleGlobalKind.RebuildTensorV3, "torch._utils._rebuild_tensor_v3");
        Allow(PickleGlobalKind.RebuildParameter, "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state");
        Allow(PickleGlobalKind.RebuildFromType, "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type", "torch.tensor._rebuild_from_type");
        Allow(PickleGlobalKind.RebuildFromCpuTensor, "torch._utils._rebuild_device_tensor_from_cpu_tensor");
        Allow(PickleGlobalKind.RebuildFromNumpy, "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_xla_tensor");
        Allow(PickleGlobalKind.RebuildQuantized, "torch._utils._rebuild_qtensor");
        Allow(PickleGlobalKind.RebuildSparse, "torch._utils._rebuild_sparse_tensor");
        Allow(PickleGlobalKind.RebuildNested, "torch._utils._rebuild_nested_tensor");
        Allow(PickleGlobalKind.RebuildMeta, "torch._utils._rebuild_meta_tensor_no_storage");
        Allow(PickleGlobalKind.RebuildWrapperSubclass, "torch._utils._rebuild_wrapper_subclass");
        Allow(
            PickleGlobalKind.ScriptedValue, "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.build_doublelist",
            "torch.jit._pickle.build_boollist", "torch.jit._pickle.restore_type_tag");
        foreach (var module in (string[])["numpy.core", "numpy._core"])
        {
            Allow(PickleGlobalKind.NumpyReconstruct, module + ".multiarray._reconstruct");
            Allow(PickleGlobalKind.NumpyScalar, module + ".multiarray.scalar");
            Allow(PickleGlobalKind.NumpyFromBuffer, module + ".numeric._frombuffer");
        }

        Allow(PickleGlobalKind.NumpyDType, "numpy.dtype");
        Allow(
            PickleGlobalKind.QuantizerScheme, "torch.per_tensor_affine", "torch.per_tensor_symmetric", "torch.per_channel_affine",
            "torch.per_channel_symmetric", "torch.per_channel_affine_float_qparams");
        Allow(PickleGlobalKind.DType, "torch.qint8", "torch.quint8", "torch.qint32", "torch.quint4x2", "torch.quint2x4");
        Allow(PickleGlobalKind.UntypedStorage, "torch.storage.UntypedStorage", "torch.UntypedStorage", "torch.cuda.UntypedStorage");
        // The types narrower than a byte are safetensors' alone.
        foreach (var dtype in DType.All)
        {
            if (dtype.BytesPerElement == 0) continue;
            globals.Add("torch." + dtype.Name, new PickleGlobal("torch." + dtype.Name, PickleGlobalKind.DType, dtype));
            if (dtype.StorageClass is null) continue;
            foreach (var place in (string[])["torch.", "torch.cuda."])
            {
                var storage = place + dtype.StorageClass;
                globals.Add(storage, new PickleGlobal(storage, PickleGlobalKind.StorageClass, dtype));
                var tensor = storage.Replace("Storage", "Tensor", StringComparison.Ordinal);
                globals.Add(tensor, new PickleGlobal(tensor, PickleGlobalKind.TensorClass, dtype));
            }
        }

        foreach (var name in (string[])["QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4"])
        {
            Allow(PickleGlobalKind.StorageClass, $"torch.{name}Storage", $"torch.cuda.{name}Storage");
        }

        return globals;
    }
}
