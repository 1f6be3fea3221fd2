using System.Text;
using Loadline.Cuda;

namespace Loadline.Unit.Cuda;

/// <summary>
/// A driver whose GPUs are memory of the host. Copies are made as late as the rules allow: when somebody waits for them, so that whoever reuses memory
/// too early finds wrong bytes. It holds callers to the rules, can fail at any call, and knows what was not given back.
/// </summary>
internal sealed unsafe partial class InMemoryDriver : ICudaDriver
{
    private const CudaResult InvalidValue = (CudaResult)1;
    private const CudaResult InvalidContext = (CudaResult)201;

    // What the driver takes for a context, and to what it rounds an allocation.
    private const long ContextBytes = 5_000_000;
    private const long Granularity = 512;

    private readonly Lock _lock = new();
    private readonly ThreadLocal<Stack<int>> _current = new(() => []);
    private readonly Dictionary<int, int> _contexts = [];
    private readonly Dictionary<ulong, (int Device, long Bytes)> _memory = [];
    private readonly Dictionary<nint, (int Device, long Bytes)> _pinned = [];
    private readonly Dictionary<nint, CopyQueue> _streams = [];
    private readonly Dictionary<nint, (int Device, CopyQueue? Stream, long Position)> _events = [];
    private readonly List<string> _calls = [];
    private bool _initialised;
    private long _lastHandle = 1000;

    public int Devices { get; init; } = 1;

    public int Version { get; init; } = 12_060;

    public long TotalBytes { get; init; } = 1L << 30;

    /// <summary>The most that is free in one piece.</summary>
    public long LargestPieceBytes { get; init; } = long.MaxValue;

    public int ComputeMode { get; init; }

    /// <summary>The call that fails, counted from 0; none where it is negative.</summary>
    public int FailingCall { get; init; } = -1;

    /// <summary>With what it fails.</summary>
    public CudaResult Failure { get; init; } = (CudaResult)719;

    /// <summary>What failed; null while nothing did.</summary>
    public string? Failed { get; private set; }

    /// <summary>Is told of each copy from the host when it is called for, before it is made.</summary>
    public Action<nint, long>? OnUpload { get; init; }

    /// <summary>Every call by its name, in order, and what tests put in between.</summary>
    public IReadOnlyList<string> Calls => _calls;

    /// <summary>Rules that were broken.</summary>
    public List<string> Broken { get; } = [];

    public int CopiesUnderWay
    {
        get
        {
            lock (_lock) return _streams.Values.Sum(s => s.Waiting);
        }
    }

    /// <summary>What was taken and not given back.</summary>
    public object Held
    {
        get
        {
            lock (_lock) return new { Contexts = _contexts.Values.Sum(), Memory = _memory.Count, Pinned = _pinned.Count, Streams = _streams.Count, Events = _events.Count };
        }
    }

    /// <summary>What <see cref="Held"/> is when everything was given back.</summary>
    public static object Nothing { get; } = new { Contexts = 0, Memory = 0, Pinned = 0, Streams = 0, Events = 0 };

    /// <summary>How often a function was called.</summary>
    public int CallsOf(string name)
    {
        lock (_lock) return _calls.Count(c => c == name);
    }

    /// <summary>Puts something into <see cref="Calls"/>.</summary>
    public void Log(string what)
    {
        lock (_lock) _calls.Add(what);
    }

    public CudaResult Init(uint flags) => Call("cuInit", () =>
    {
        Require(flags == 0, "cuInit takes no flags");
        _initialised = Devices > 0;
        return Devices > 0 ? CudaResult.Success : CudaResult.NoDevice;
    });

    public CudaResult DriverGetVersion(out int version)
    {
        version = Version;
        return Call("cuDriverGetVersion", () => CudaResult.Success);
    }

    public CudaResult DeviceGetCount(out int count)
    {
        count = Devices;
        return Call("cuDeviceGetCount", Initialised);
    }

    // A device's handle is not its number.
    public CudaResult DeviceGet(out int device, int ordinal)
    {
        device = ordinal + 100;
        return Call("cuDeviceGet", Initialised);
    }

    public CudaResult DeviceGetName(byte* name, int length, int device)
    {
        Encoding.UTF8.GetBytes("In Memory\0").CopyTo(new Span<byte>(name, length));
        return Call("cuDeviceGetName", Initialised);
    }

    public CudaResult DeviceGetAttribute(out int value, DeviceAttribute attribute, int device)
    {
        value = attribute switch { DeviceAttribute.ComputeMode => ComputeMode, DeviceAttribute.ComputeCapabilityMajor => 9, _ => 0 };
        return Call("cuDeviceGetAttribute", Initialised);
    }

    public string? NameOf(CudaResult result) => result switch
    {
        (CudaResult)719 => "CUDA_ERROR_LAUNCH_FAILED",
        CudaResult.OutOfMemory => "CUDA_ERROR_OUT_OF_MEMORY",
        _ => null,
    };

    public string? TextOf(CudaResult result) => NameOf(result) is null ? null : result == CudaResult.OutOfMemory ? "out of memory" : "unspecified launch failure";

    // A function that gives something back does so even where it reports a failure: what it reports may be an earlier copy's.
    private CudaResult Call(string name, Func<CudaResult> run, bool givesBack = false)
    {
        lock (_lock)
        {
            var fails = _calls.Count(c => c.StartsWith("cu", StringComparison.Ordinal)) == FailingCall;
            _calls.Add(name);
            if (fails) Failed = name;
            if (fails && !givesBack) return Failure;
            var result = run();
            return fails ? Failure : result;
        }
    }

    private CudaResult Initialised()
    {
        Require(_initialised, "a call before cuInit");
        return CudaResult.Success;
    }

    private bool Require(bool kept, string rule)
    {
        if (!kept) Broken.Add($"{rule} (call {_calls.Count})");
        return kept;
    }

    // Of a call that needs a context: the device whose context is the thread's current one.
    private int? CurrentDevice => _current.Value!.TryPeek(out var device) && _contexts.GetValueOrDefault(device) > 0 ? device : null;
}
