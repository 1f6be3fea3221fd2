using Loadline.Harness.Budgets;
using Loadline.Harness.Commands;
using Loadline.Harness.Making;
using Loadline.Harness.Output;
using Loadline.Harness.Reports;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Services;
using Loadline.Measuring;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Spectre.Console;

namespace Loadline.Unit.Harness;

/// <summary>The command line in process, with a fake runtime, maker and loader, and what it printed.</summary>
internal sealed class FakeHarness : IDisposable
{
    private readonly LimitedWriter _out = new();
    private readonly StringWriter _error = new();

    public FakeHarness(Func<ContainerSpec, FakeEnd>? script = null) =>
        Runtime = new FakeRuntime(script ?? (spec => spec.Command.Contains("--passes") ? FakeEnd.Used(9, 1, 0) : FakeEnd.Loaded(9)));

    public TemporaryFolder Folder { get; } = new();

    public FakeRuntime Runtime { get; }

    public FakeMaker Maker { get; } = new();

    /// <summary>The worker's events and exit code of a load in process.</summary>
    public Func<LoadRequest, (int ExitCode, WorkerEvent[] Events)> InProcess { get; set; } = _ => (ExitCodes.Loaded, [FakeEnd.Report(9)]);

    /// <summary>Where the worker is.</summary>
    public string Worker { get; set; } = "/worker";

    /// <summary>Opens another runtime than <see cref="Runtime"/>.</summary>
    public Func<CancellationToken, Task<IContainerRuntime>>? OpenRuntime { get; set; }

    /// <summary>Why no runtime opens.</summary>
    public string? NoRuntime { get; set; }

    /// <summary>What a device has room for.</summary>
    public Func<Device, long> DeviceRoomBytes { get; set; } = device => DeviceRoom.Here(device).Bytes;

    /// <summary>The GPUs of the machine; those of this one, unless a test says otherwise.</summary>
    public Nvidia Nvidia { get; set; } = Nvidia.Here;

    /// <summary>What lies in memory; nothing unless a test says otherwise, wherever temporary files are.</summary>
    public Func<string, string?> MemoryOf { get; set; } = _ => null;

    /// <summary>What LOADLINE_REQUIRE says.</summary>
    public string? Required { get; set; }

    /// <summary>Whether it runs in a step of GitHub Actions, whose checkout is the folder.</summary>
    public bool InActions { get; set; }

    /// <summary>The step's summary.</summary>
    public string Summary => Folder["summary.md"];

    /// <summary>What standard output has room for, as on a disk that is nearly full.</summary>
    public int RoomForOutput { set => _out.Room = value; }

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(params string[] args) => RunAsync(TestContext.Current.CancellationToken, args);

    /// <summary>All that can be asked for.</summary>
    public System.CommandLine.Command Commands => Cli.Create(Services());

    public Task<int> RunAsync(CancellationToken cancellation, params string[] args)
    {
        var services = Services();
        // As a program has it: a thread that nobody waits on.
        return Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        int Run() => CommandLine.Run(Cli.Create(services), args, services, cancellation);
    }

    public void Dispose() => Folder.Dispose();

    private HarnessServices Services() => new()
    {
        OpenRuntime = (_, _, opening) =>
            OpenRuntime?.Invoke(opening) ?? (NoRuntime is null ? Task.FromResult<IContainerRuntime>(Runtime) : throw new RuntimeException(NoRuntime)),
        FindWorker = () => Worker,
        Maker = Maker,
        LoadHere = LoadHere,
        Requirements = () => Requirements.Parse(Required),
        OpenConsole = new PlainConsole(_out),
        Out = InActions ? new WorkflowLog(_out) : _out,
        Error = InActions ? new WorkflowLog(_error) : _error,
        Actions = InActions ? new GitHubActions(_out, Summary, Folder.Path) : null,
        RamLimitBytes = () => 1 << 30,
        DeviceRoomBytes = DeviceRoomBytes,
        CacheFolder = Folder["cache"],
        MemoryOf = MemoryOf,
        Nvidia = Nvidia,
    };

    private int LoadHere(LoadRequest request, Action<WorkerEvent> onEvent)
    {
        var (code, events) = InProcess(request);
        Array.ForEach(events, onEvent);
        return code;
    }

    private sealed class LimitedWriter : StringWriter
    {
        public int Room { get; set; } = int.MaxValue;

        public override void Write(char value) => Write(value.ToString());

        public override void WriteLine(string? value) => Write(value + NewLine);

        public override void Write(string? value)
        {
            if (GetStringBuilder().Length + value?.Length > Room) throw new IOException("standard output cannot be written: No space left on device");
            base.Write(value);
        }
    }

    private sealed class PlainConsole(TextWriter output) : ConsoleOpener
    {
        public override IAnsiConsole Open() =>
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), ColorSystem = ColorSystemSupport.NoColors });
    }
}

/// <summary>Makes files of no content, and counts them.</summary>
internal sealed class FakeMaker : ICheckpointMaker
{
    public IReadOnlyList<string> Models => ["gpt2-small", "gpt2-medium", "llama-3-8b"];

    public List<(CheckpointRecipe Recipe, string Path, bool Sparse)> Made { get; } = [];

    /// <summary>What making fails with.</summary>
    public Exception? Failure { get; set; }

    public void Make(CheckpointRecipe recipe, string path, bool sparse, Action<double> progress, CancellationToken cancellation)
    {
        if (Failure is not null) throw Failure;
        Made.Add((recipe, path, sparse));
        progress(0.5);
        File.WriteAllText(path, "");
        File.WriteAllText(path + ".digests.json", "{}");
        progress(1);
    }
}
