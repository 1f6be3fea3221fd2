namespace Loadline.Measuring;

/// <summary>Exit codes of the worker and of <c>loadline load</c>.</summary>
internal static class ExitCodes
{
    /// <summary>Loaded, and verified where that was asked for.</summary>
    public const int Loaded = 0;

    /// <summary>The program itself failed: a bug, never the checkpoint's fault.</summary>
    public const int Error = 1;

    /// <summary>The checkpoint or the arguments were refused.</summary>
    public const int Refused = 2;

    /// <summary>What the run needs is not there: a runtime, a cgroup, disk space.</summary>
    public const int Infrastructure = 3;

    /// <summary>The device was out of memory.</summary>
    public const int DeviceOutOfMemory = 4;

    /// <summary>The weights on the device are not those of the file.</summary>
    public const int VerificationFailed = 5;

    /// <summary>SIGKILL, from the cap where the cgroup says so.</summary>
    public const int Killed = 137;
}
