using Loadline.Checkpoints.Pickles;

namespace Loadline.Checkpoints.Pth;

/// <summary>The <c>data.pkl</c> of a state dict or of a bare tensor, such as <c>torch.load(weights_only=True)</c> accepts.</summary>
internal static class StateDictPickle
{
    // Python's pickler sets items in batches of this size.
    private const int BatchSize = 1000;

    /// <summary>An OrderedDict of tensors; tensors that share have the same storage key.</summary>
    public static byte[] Write(IReadOnlyList<TensorDeclaration> tensors, IReadOnlyList<int> storageKeys)
    {
        var pickle = new PickleWriter();
        pickle.Start();
        EmptyOrderedDict(pickle);
        for (var i = 0; i < tensors.Count; i++)
        {
            if (i % BatchSize == 0) pickle.Op(PickleOpcode.Mark);
            pickle.Text(tensors[i].Name);
            Tensor(pickle, tensors[i], storageKeys[i]);
            if (i % BatchSize == BatchSize - 1 || i == tensors.Count - 1) pickle.Op(PickleOpcode.SetItems);
        }

        return pickle.Stop();
    }

    /// <summary>One tensor and nothing around it.</summary>
    public static byte[] WriteBare(TensorDeclaration tensor)
    {
        var pickle = new PickleWriter();
        pickle.Start();
        Tensor(pickle, tensor, storageKey: 0);
        return pickle.Stop();
    }

    private static void Tensor(PickleWriter pickle, TensorDeclaration tensor, int storageKey)
    {
        var isUntyped = tensor.DType.StorageClass is null;
        pickle.Global("torch._utils", isUntyped ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
        pickle.Op(PickleOpcode.Mark);
        Storage(pickle, tensor, storageKey);
        pickle.Integer(0);
        pickle.Tuple(tensor.Shape.AsSpan());
        pickle.Tuple(Shapes.ContiguousStrides(tensor.Shape.AsSpan()).AsSpan());
        pickle.Op(PickleOpcode.NewFalse);
        EmptyOrderedDict(pickle);
        if (isUntyped) pickle.Global("torch", tensor.DType.Name);
        pickle.Op(PickleOpcode.Tuple);
        pickle.Op(PickleOpcode.Reduce);
    }

    private static void Storage(PickleWriter pickle, TensorDeclaration tensor, int storageKey)
    {
        pickle.Op(PickleOpcode.Mark);
        pickle.SharedText("storage");
        if (tensor.DType.StorageClass is { } storageClass) pickle.Global("torch", storageClass);
        else pickle.Global("torch.storage", "UntypedStorage");
        pickle.Text(PythonText.Print((long)storageKey)!);
        pickle.SharedText("cpu");
        // Counted in elements, and in bytes where the storage has no element type.
        pickle.Integer(tensor.DType.StorageClass is null ? tensor.ByteCount : Shapes.ElementCount(tensor.Shape.AsSpan()));
        pickle.Op(PickleOpcode.Tuple);
        pickle.Op(PickleOpcode.BinPersId);
    }

    private static void EmptyOrderedDict(PickleWriter pickle)
    {
        pickle.Global("collections", "OrderedDict");
        pickle.Op(PickleOpcode.EmptyTuple);
        pickle.Op(PickleOpcode.Reduce);
    }
}
