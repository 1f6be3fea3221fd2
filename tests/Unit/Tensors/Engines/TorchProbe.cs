using Loadline.Tensors.Torch;

namespace Loadline.Unit.Tensors.Engines;

/// <summary>What libtorch itself says of a tensor.</summary>
internal sealed unsafe class TorchProbe(TorchLibrary library)
{
    public int DType(TensorHandle tensor) => (int)Number(tensor, "aoti_torch_get_dtype");

    public int DeviceType(TensorHandle tensor) => (int)Number(tensor, "aoti_torch_get_device_type");

    public long[] Sizes(TensorHandle tensor) => Numbers(tensor, "aoti_torch_get_sizes");

    public long[] Strides(TensorHandle tensor) => Numbers(tensor, "aoti_torch_get_strides");

    /// <summary>Bytes of the storage that it views.</summary>
    public long StorageBytes(TensorHandle tensor) => Number(tensor, "aoti_torch_get_storage_size");

    /// <summary>Another handle of the same tensor, as whoever takes one over would make.</summary>
    public TensorHandle Alias(TensorHandle tensor)
    {
        nint alias;
        Ok(((delegate* unmanaged<nint, nint*, int>)Function("aoti_torch_assign_tensors_out"))(tensor.DangerousGetHandle(), &alias));
        return new TensorHandle(library, alias);
    }

    private long[] Numbers(TensorHandle tensor, string function)
    {
        long* numbers;
        Ok(((delegate* unmanaged<nint, long**, int>)Function(function))(tensor.DangerousGetHandle(), &numbers));
        return new ReadOnlySpan<long>(numbers, (int)Number(tensor, "aoti_torch_get_dim")).ToArray();
    }

    private long Number(TensorHandle tensor, string function)
    {
        long number = 0;
        Ok(((delegate* unmanaged<nint, long*, int>)Function(function))(tensor.DangerousGetHandle(), &number));
        return number;
    }

    private nint Function(string name) => library.TryFind(name, out var function) ? function : throw new EntryPointNotFoundException(name);

    private static void Ok(int error) => error.Should().Be(0);
}
