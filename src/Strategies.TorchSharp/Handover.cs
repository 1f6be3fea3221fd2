using Loadline.Tensors;
using Loadline.Tensors.Memory;
using Loadline.Tensors.Torch;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Tensors of the engine libtorch as TorchSharp's, and back: the same <c>at::Tensor</c>, no copy.</summary>
/// <remarks>
/// SAFETY: TorchSharp's <c>Tensor.Handle</c> and a <see cref="TensorHandle"/> are both an <c>at::Tensor*</c> made by <c>new</c> in the one libtorch of the
/// process, and both delete it. One object must own it: here that is always the <see cref="TensorHandle"/>. TorchSharp gets the pointer for the length
/// of a call and gives it up before the call ends (<c>DecoupleFromNativeHandle</c>, which also suppresses the finalizer); what it keeps is a second
/// <c>at::Tensor</c> of the same memory, which TorchSharp made itself and deletes itself. libtorch counts references to memory of its own. It does not
/// count those to a file's mapping: each tensor of TorchSharp's that views one has a <see cref="MappingLease"/>.
/// </remarks>
public static class Handover
{
    /// <summary>A tensor of TorchSharp's over the same bytes. Dispose it as any other.</summary>
    /// <param name="tensor">Of a model that was loaded with the engine libtorch, on the CPU.</param>
    /// <exception cref="InvalidOperationException">It is not libtorch's.</exception>
    public static torch.Tensor ToTorchSharp(this Tensor tensor)
    {
        var handle = tensor.Handle ?? throw new InvalidOperationException("only tensors of the engine libtorch can be handed over");
        var alias = Lend(handle, lent => lent.alias());
        if (tensor.Storage is MappedStorage mapped) MappingLease.Give(alias, mapped.Mapping);
        return alias;
    }

    /// <summary>Lets TorchSharp use a tensor for the length of a call, which may neither keep nor dispose it.</summary>
    internal static T Lend<T>(TensorHandle handle, Func<torch.Tensor, T> use)
    {
        var added = false;
        handle.DangerousAddRef(ref added);
        var lent = torch.Tensor.UnsafeCreateTensor(handle.DangerousGetHandle());
        lent.DetachFromDisposeScope();
        try
        {
            return use(lent);
        }
        finally
        {
            lent.DecoupleFromNativeHandle();
            handle.DangerousRelease();
        }
    }

    /// <summary>Makes a tensor's handle refer to another's tensor; what it referred to loses a reference.</summary>
    internal static unsafe void Alias(torch.Tensor source, torch.Tensor target)
    {
        // SAFETY: aoti_torch_assign_tensors(src, dst) is C++'s *dst = *src. It checks nothing: both are tensors that TorchSharp holds, whose shapes were compared.
        if (!TorchLibrary.Load().TryFind("aoti_torch_assign_tensors", out var assign)) throw new EntryPointNotFoundException("this libtorch has no aoti_torch_assign_tensors");
        var error = ((delegate* unmanaged<nint, nint, int>)assign)(source.Handle, target.Handle);
        GC.KeepAlive(source);
        GC.KeepAlive(target);
        if (error != 0) throw new InvalidOperationException("libtorch: aoti_torch_assign_tensors failed; the reason stands on standard error");
    }

    /// <summary>Where a tensor's first element lies.</summary>
    internal static unsafe nint Address(torch.Tensor tensor)
    {
        nint address = 0;
        Call("aoti_torch_get_data_ptr", tensor, &address);
        return address;
    }

    /// <summary>Bytes of the memory that a tensor views, of which it may be a part.</summary>
    internal static unsafe long StorageBytes(torch.Tensor tensor)
    {
        long bytes = 0;
        Call("aoti_torch_get_storage_size", tensor, &bytes);
        return bytes;
    }

    private static unsafe void Call(string getter, torch.Tensor tensor, void* value)
    {
        // SAFETY: both getters have this signature, and write one pointer or one int64.
        if (!TorchLibrary.Load().TryFind(getter, out var function)) throw new EntryPointNotFoundException($"this libtorch has no {getter}");
        var error = ((delegate* unmanaged<nint, void*, int>)function)(tensor.Handle, value);
        GC.KeepAlive(tensor);
        if (error != 0) throw new InvalidOperationException($"libtorch: {getter} failed; the reason stands on standard error");
    }
}
