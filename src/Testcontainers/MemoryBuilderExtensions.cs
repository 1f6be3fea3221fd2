using System.Reflection;
using Docker.DotNet.Models;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;

namespace Loadline.Testcontainers;

/// <summary>What a container may have, and what is watched of it, in the words of Testcontainers' builders, modules' own included.</summary>
public static class MemoryBuilderExtensions
{
    /// <summary>Holds the container to a hard limit of RAM, without swap: what goes beyond is killed by the kernel.</summary>
    /// <param name="builder">The container's.</param>
    /// <param name="cap">As in <c>"512MiB"</c>; a Docker Engine refuses less than 6 MiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is zero, which an Engine takes for no limit, or less.</exception>
    public static TBuilder WithMemoryCap<TBuilder>(this IContainerBuilder<TBuilder, IContainer, IContainerConfiguration> builder, MemorySize cap)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cap.Bytes, nameof(cap));
        return builder.WithCreateParameterModifier(container =>
        {
            // Changed, never replaced: the mounts are in it.
            var host = container.HostConfig ??= new HostConfig();
            // The second counts RAM and swap together: equal to the first there is no swap; 0 would allow as much swap again.
            (host.Memory, host.MemorySwap) = (cap.Bytes, cap.Bytes);
        });
    }

    /// <summary>Passes NVIDIA GPUs in. The Engine needs NVIDIA's container toolkit.</summary>
    /// <param name="builder">The container's.</param>
    /// <param name="count">How many.</param>
    public static TBuilder WithGpus<TBuilder>(this IContainerBuilder<TBuilder, IContainer, IContainerConfiguration> builder, int count)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return builder.WithCreateParameterModifier(container =>
        {
            var gpus = new DeviceRequest { Driver = "nvidia", Count = count, Capabilities = [["gpu", "compute", "utility"]] };
            (container.HostConfig ??= new HostConfig()).DeviceRequests = [gpus];
        });
    }

    /// <summary>
    /// Watches the container's memory from its start on, for <see cref="MemoryContainerExtensions.MemoryAsync"/>. It joins the startup callback that the
    /// builder has until here; one that comes later takes its place, as that of a module which sets its own when it is built (Kafka's):
    /// <see cref="MemoryContainerExtensions.WithMemoryGauge"/> is for those.
    /// </summary>
    /// <param name="builder">The container's.</param>
    public static TBuilder WithMemoryGauge<TBuilder>(this IContainerBuilder<TBuilder, IContainer, IContainerConfiguration> builder)
        where TBuilder : IContainerBuilder<TBuilder, IContainer, IContainerConfiguration>
    {
        ArgumentNullException.ThrowIfNull(builder);
        var first = StartupCallbackOf(builder);
        return builder.WithCreateParameterModifier(MemoryGauge.Expect).WithStartupCallback(async (container, configuration, cancellation) =>
        {
            await MemoryGauge.AttachAsync(container, configuration, cancellation);
            if (first is not null) await first(container, configuration, cancellation);
        });
    }

    // A builder holds one callback and does not show it: what a user has put there must not be lost without a word.
    private static Func<IContainer, IContainerConfiguration, CancellationToken, Task>? StartupCallbackOf(object builder) =>
        builder.GetType().GetProperties(BindingFlags.Instance | BindingFlags.NonPublic).Where(property => property.Name == "DockerResourceConfiguration")
            .Select(property => property.GetValue(builder)).OfType<IContainerConfiguration>().FirstOrDefault()?.StartupCallback;
}
