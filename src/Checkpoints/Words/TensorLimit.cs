namespace Loadline.Checkpoints;

/// <summary>
/// How many tensors a header may describe, and how many dimensions they may have. Each becomes 450 bytes of objects, and formats that allow it describe one
/// in very few bytes.
/// </summary>
internal static class TensorLimit
{
    /// <summary>The most dimensions of a tensor: PyTorch's own limit.</summary>
    public const int MaxRank = 64;

    private const int ForFree = 1 << 16;

    /// <summary>The most dimensions that so many tensors may have together: two bytes of text each, and sixteen in memory.</summary>
    public static long Dimensions(int tensors) => ForFree + 8L * tensors;

    /// <summary>
    /// About what a tensor takes in memory: what it is described by, its entry and storage, its places in lists and tables, and as much again when the checkpoint is
    /// converted.
    /// </summary>
    public static long MemoryOf(string name, int rank) => 720 + sizeof(char) * (long)name.Length + 2L * sizeof(long) * rank;

    /// <param name="headerBytes">What the descriptions take in the file.</param>
    /// <param name="bytesPerTensor">What one takes at least, as writers write them.</param>
    public static long Of(long headerBytes, int bytesPerTensor) => ForFree + headerBytes / bytesPerTensor;
}
