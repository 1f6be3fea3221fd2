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
    public static TBuilder WithMemoryCap<TBuilder>(this IContainerBuilder<TBuilder, IContainer, IContainerConfiguration> builder, MemorySize cap)
    {
        ArgumentNullException.ThrowIfNull(builder);
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
    /// Watches the container's memory from its start on, for <see cref="MemoryContainerExtensions.MemoryAsync"/>. It takes the builder's startup
    /// callback, of which there is one: what is to run there besides comes from the container's <c>Starting</c> event.
    /// </summary>
    /// <param name="builder">The container's.</param>
    public static TBuilder WithMemoryGauge<TBuilder>(this IContainerBuilder<TBuilder, IContainer, IContainerConfiguration> builder)
        where TBuilder : IContainerBuilder<TBuilder, IContainer, IContainerConfiguration>
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.WithCreateParameterModifier(MemoryGauge.Expect).WithStartupCallback(MemoryGauge.AttachAsync);
    }
}
