namespace Loadline.Strategies;

/// <summary>How far a load is.</summary>
/// <param name="Bytes">Bytes of weights that are in place: read, or mapped.</param>
/// <param name="TotalBytes">Bytes of all weights of the load, as they lie in the file.</param>
/// <param name="Tensor">The tensor of the checkpoint that was read last; null in the first and the last report, and where several files hold it.</param>
public sealed record LoadProgress(long Bytes, long TotalBytes, string? Tensor);
