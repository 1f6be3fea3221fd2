namespace Loadline.Measuring;

/// <summary>Exit codes of the worker and of all commands.</summary>
internal static class ExitCodes
{
    /// <summary>Loaded, and verified where that was asked for.</summary>
    public const int Loaded = 0;

    /// <summary>All was judged, and a budget was missed. Nothing else ends so: a gate that is red for 1 has an answer.</summary>
    public const int Missed = 1;

    /// <summary>The checkpoint or the arguments were refused.</summary>
    public const int Refused = 2;

    /// <summary>There is no answer: what the run needs is not there (a runtime, a cgroup, disk space), or the program itself broke (a bug).</summary>
    public const int Infrastructure = 3;

    /// <summary>The device was out of memory.</summary>
    public const int DeviceOutOfMemory = 4;

    /// <summary>The weights on the device are not those of the file.</summary>
    public const int VerificationFailed = 5;

    /// <summary>SIGKILL, from the cap where the cgroup says so.</summary>
    public const int Killed = 137;
}
