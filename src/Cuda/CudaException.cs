namespace Loadline.Cuda;

/// <summary>A call of the driver failed. The message is one line: the call, the driver's name for the error and its text, and what to look at.</summary>
public sealed class CudaException : Exception
{
    internal CudaException(string device, string call, CudaResult result, ICudaDriver driver, string? next = null)
        : base(MessageOf(device, call, result, driver, next))
        => (Call, Code) = (call, (int)result);

    /// <summary>The function that failed, as in <c>cuMemcpyHtoDAsync</c>.</summary>
    public string Call { get; }

    /// <summary>The driver's error, a <c>CUresult</c>.</summary>
    public int Code { get; }

    /// <summary>An error as people read it: <c>cuInit failed: CUDA_ERROR_UNKNOWN (unknown error)</c>.</summary>
    internal static string Describe(string call, CudaResult result, ICudaDriver driver) =>
        $"{call} failed: {driver.NameOf(result) ?? $"CUDA error {(int)result}"} ({driver.TextOf(result) ?? "no text"})";

    private static string MessageOf(string device, string call, CudaResult result, ICudaDriver driver, string? next) =>
        $"{device}: {Describe(call, result, driver)}: {next ?? "look at nvidia-smi and the kernel's log"}";
}

/// <summary>There is no GPU to load onto: no driver, no device of that number, or a driver that is too old. The message is one line and says what to do.</summary>
public sealed class CudaUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
