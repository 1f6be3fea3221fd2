using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Loadline.Tensors;

/// <summary>What kind of memory a device has.</summary>
public enum DeviceKind
{
    /// <summary>The host's RAM.</summary>
    Cpu,

    /// <summary>No memory at all: shapes without values. For skeletons, never a target.</summary>
    Meta,

    /// <summary>A simulated accelerator: bytes are counted against a capacity, contents are kept as checksums.</summary>
    Sim,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,

    /// <summary>In device maps only: weights stay mapped in their file.</summary>
    Disk,
}

/// <summary>Where tensors live, under PyTorch's names: <c>cpu</c>, <c>meta</c>, <c>cuda:N</c>, and <c>sim:CAPACITY</c> for a simulated accelerator.</summary>
/// <param name="Kind">The kind of memory.</param>
/// <param name="CapacityBytes">What a simulated accelerator holds at most; 0 for the other kinds.</param>
/// <param name="Index">Which of several accelerators it is: of GPUs the driver's number, of simulated ones counted from 0 in the order given.</param>
public sealed record Device(DeviceKind Kind, long CapacityBytes = 0, int Index = 0)
{
    /// <summary>The host.</summary>
    public static Device Cpu { get; } = new(DeviceKind.Cpu);

    /// <summary>The device of tensors that have a shape and no memory.</summary>
    public static Device Meta { get; } = new(DeviceKind.Meta);

    /// <summary>Where weights stay mapped in their file; only a device map puts them there.</summary>
    public static Device Disk { get; } = new(DeviceKind.Disk);

    /// <summary>Whether it has memory of its own beside the host's.</summary>
    public bool IsAccelerator => Kind is DeviceKind.Sim or DeviceKind.Cuda;

    /// <summary>The name among several devices: <c>sim:0</c>, <c>sim:1</c>, <c>cuda:0</c>, <c>cpu</c>, <c>disk</c>.</summary>
    public string NameInList => Kind is DeviceKind.Sim ? FormattableString.Invariant($"sim:{Index}") : ToString();

    /// <summary>A simulated accelerator.</summary>
    public static Device Sim(long capacityBytes) => new(DeviceKind.Sim, capacityBytes);

    /// <summary>An NVIDIA GPU, by its number among those that the driver shows.</summary>
    public static Device Cuda(int index) => new(DeviceKind.Cuda, Index: index);

    /// <summary>Reads a target device: <c>cpu</c>, <c>cuda:0</c> (also <c>cuda</c>) or <c>sim:4GiB</c>.</summary>
    /// <exception cref="FormatException">It is none of these; the message says what there is.</exception>
    public static Device Parse(string text) => TryParse(text, out var device)
        ? device
        : throw new FormatException($"'{text}' is not a device to load onto: {WhatToUse(text)}");

    /// <summary><see cref="Parse"/> without the exception.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Device? device)
    {
        device = text switch
        {
            "cpu" => Cpu,
            "cuda" => Cuda(0),
            not null when text.StartsWith("cuda:", StringComparison.Ordinal)
                && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index) => Cuda(index),
            not null when text.StartsWith("sim:", StringComparison.Ordinal) && ByteSize.TryParse(text[4..], out var bytes) && bytes > 0 => Sim(bytes),
            _ => null,
        };
        return device is not null;
    }

    // A unit that is not quite one is likelier than a device that is none.
    private static string WhatToUse(string text) => text is ['s', 'i', 'm', ':', >= '0' and <= '9', ..] && !ByteSize.TryParse(text[4..], out _)
        ? ByteSize.Problem(text[4..])
        : "use cpu, cuda:N as in cuda:0, or sim:CAPACITY as in sim:4GiB";

    /// <summary>The name as <see cref="Parse"/> reads it, the capacity in the largest unit that is exact.</summary>
    public override string ToString() => Kind switch
    {
        DeviceKind.Sim => "sim:" + ByteSize.FormatExact(CapacityBytes),
        DeviceKind.Cuda => FormattableString.Invariant($"cuda:{Index}"),
        DeviceKind.Meta => "meta",
        DeviceKind.Disk => "disk",
        _ => "cpu",
    };
}
