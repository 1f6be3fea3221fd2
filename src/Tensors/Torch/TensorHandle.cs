using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Loadline.Tensors.Torch;

/// <summary>
/// An <c>at::Tensor*</c> made by libtorch's <c>new</c>, deleted exactly once. It is what TorchSharp's <c>Tensor.Handle</c> is.
/// </summary>
/// <remarks>
/// SAFETY: a tensor that libtorch allocated shares its bytes with all its views, and they go with the last of these, by libtorch's own count. One
/// that views memory of ours owns nothing: libtorch neither counts nor frees that memory. Such a handle holds a reference on the mapping, taken
/// before it exists and given back after the tensor is deleted, so that no order of dispose calls and finalizers unmaps under it. An alias that is
/// made of it elsewhere (a view, TorchSharp's copy of the pointer) has no such reference: whoever makes one must keep this handle as long.
/// </remarks>
internal sealed class TensorHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly TorchLibrary _library;
    private readonly SafeHandle? _mapping;

    public TensorHandle(TorchLibrary library, nint tensor)
        : base(ownsHandle: true)
    {
        _library = library;
        SetHandle(tensor);
        library.Took();
    }

    public TensorHandle(TorchLibrary library, SafeHandle mapping, Func<nint> create)
        : base(ownsHandle: true)
    {
        _library = library;
        var added = false;
        mapping.DangerousAddRef(ref added);
        _mapping = mapping;
        // Should this throw, the finalizer of a handle that is still invalid would not give the reference back.
        try
        {
            SetHandle(create());
            library.Took();
        }
        catch
        {
            mapping.DangerousRelease();
            throw;
        }
    }

    /// <summary>Whether its bytes are a file's pages.</summary>
    public bool IsMapped => _mapping is not null;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        var deleted = _library.Delete(handle);
        _mapping?.DangerousRelease();
        return deleted;
    }
}
