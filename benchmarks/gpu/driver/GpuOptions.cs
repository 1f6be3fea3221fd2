using Loadline.Tensors;

namespace Loadline.Benchmarks.Gpu;

/// <summary>What is to be measured, and with what.</summary>
internal sealed record GpuOptions
{
    /// <summary>Where the record is written; one that is there is added to.</summary>
    public required string Folder { get; init; }

    /// <summary>Rounds; each contender runs once in each. 0 writes the pages again from the record.</summary>
    public int Runs { get; init; } = 5;

    /// <summary>Models that <c>loadline make</c> knows.</summary>
    public IReadOnlyList<string> Models { get; init; } = ["gpt2-xl", "llama-3-8b"];

    /// <summary>Names of contenders; none stands for all.</summary>
    public IReadOnlyList<string> Contenders { get; init; } = [];

    /// <summary>Where ours load to; with any other than a GPU, PyTorch loads onto the CPU, and the record says that it is none.</summary>
    public Device Device { get; init; } = Device.Cuda(0);

    /// <summary>No round is begun that would probably end later than this.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>The published worker.</summary>
    public required string WorkerPath { get; init; }

    /// <summary>peers.py.</summary>
    public required string PeersPath { get; init; }

    /// <summary>Python with torch and safetensors: the program and what stands before the script.</summary>
    public IReadOnlyList<string> Python { get; init; } = ["python3"];

    /// <summary>Whether what is measured is a GPU.</summary>
    public bool OnGpu => Device.Kind == DeviceKind.Cuda;

    /// <summary>PyTorch's name of the device.</summary>
    public string TorchDevice => OnGpu ? Device.ToString() : "cpu";

    /// <summary>Whether a contender was asked for.</summary>
    public bool Wants(string contender) => Contenders.Count == 0 || Contenders.Contains(contender);
}
